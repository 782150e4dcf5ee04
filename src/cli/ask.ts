import { LedgerError } from "../errors.ts";
import type {
  Deployment,
  DeploymentsFilter,
  LeaderboardEntry,
  Ledger,
  ModelEntry,
  ModelsFilter,
  TimelineEntry,
  TimelineOptions,
} from "../index.ts";
import { byOption, type CliCommand, clockOf, given, wholeNumber } from "./command.ts";
import { whyOf } from "./describe.ts";
import { graphOf } from "./graph.ts";
import type { Column } from "./output.ts";

const ENVIRONMENT = ["--environment <name>", "which environment (default: production)"] as const;

export const models: CliCommand = {
  group: "Ask",
  signature: "models <project>",
  summary: "a project's models, by version",
  examples: ['models "Digits"', 'models "Digits" --algorithm svm --retired'],
  configure: (command) =>
    command
      .option("--algorithm <name>", "only of this algorithm")
      .option("--retired", "only the retired")
      .option("--no-retired", "only those that are not retired")
      .option("--limit <count>", "at most so many", wholeNumber),
  async run(session, [project = ""], options) {
    const filter = { ...given(options, "algorithm", "retired", "limit"), signal: session.signal } as ModelsFilter;
    const columns: readonly Column<ModelEntry>[] = [
      { title: "version", value: (row) => String(row.version), align: "right" },
      { title: "algorithm", value: (row) => row.algorithm },
      {
        title: "metrics",
        value: (row) =>
          Object.entries(row.metrics)
            .map(([name, value]) => `${name}=${value}`)
            .join(" "),
      },
      { title: "trained at", value: (row) => row.trainedAt },
      { title: "deployed", value: (row) => row.automaticDeploy.outcome },
      { title: "retired", value: (row) => (row.isRetired ? "yes" : "") },
    ];
    await session.out.list((await session.existing()).models(project, filter), columns, "no such models");
    return undefined;
  },
};

export const leaderboard: CliCommand = {
  group: "Ask",
  signature: "leaderboard <project>",
  summary: "the models that could be deployed, best first",
  examples: ['leaderboard "Digits"', 'leaderboard "Digits" --algorithm svm --limit 5'],
  configure: (command) =>
    command
      .option("--algorithm <name>", "only of this algorithm")
      .option("--limit <count>", "at most so many", wholeNumber),
  async run(session, [project = ""], options) {
    const filter = { ...given(options, "algorithm", "limit"), signal: session.signal };
    const columns: readonly Column<LeaderboardEntry>[] = [
      { title: "place", value: (row) => String(row.place), align: "right" },
      { title: "version", value: (row) => String(row.version), align: "right", isEssential: true },
      { title: "algorithm", value: (row) => row.algorithm },
      { title: "metric", value: (row) => row.metric },
      { title: "score", value: (row) => String(row.score), align: "right" },
      { title: "active in", value: (row) => row.activeIn.join(", ") },
    ];
    await session.out.list((await session.existing()).leaderboard(project, filter), columns, "no model has a score");
    return undefined;
  },
};

/**
 * The versions of the models that these deployments replaced; events name those by id only. Most are told by the rows
 * themselves; any other was deployed shortly before, so that reading backwards finds it soon.
 */
async function versionsIn(ledger: Ledger, rows: readonly Deployment[]): Promise<ReadonlyMap<string, number>> {
  const versions = new Map(rows.map(({ modelId, version }) => [modelId, version]));
  for (const { project, replaces } of rows) {
    if (replaces === undefined || versions.has(replaces.modelId)) continue;
    const { modelId } = replaces;
    for await (const found of ledger.deployments({ project, model: modelId, limit: 1 })) {
      versions.set(modelId, found.version);
    }
  }
  return versions;
}

/** The numbers of the deployments that rollbacks went back to; events name those by id only. */
async function numbersIn(ledger: Ledger, rows: readonly Deployment[]): Promise<ReadonlyMap<string, number>> {
  const numbers = new Map(rows.map(({ deploymentId, number }) => [deploymentId, number]));
  for (const { project, replays } of rows) {
    if (replays === undefined || numbers.has(replays)) continue;
    numbers.set(replays, (await ledger.explain({ project, deploymentId: replays })).deployment.number);
  }
  return numbers;
}

/** "2 → 3 (knn)" */
function fromTo(row: Deployment, versions: ReadonlyMap<string, number>): string {
  const before = row.replaces && versions.get(row.replaces.modelId);
  return `${before ?? "nothing"} → ${row.version} (${row.algorithm})`;
}

function reasonOf(row: Deployment, numbers: ReadonlyMap<string, number>): string {
  const back = row.replays === undefined ? undefined : numbers.get(row.replays);
  if (row.reason === undefined) return whyOf(row, back);
  return back === undefined ? row.reason : `${row.reason} (back to ${back})`;
}

export const history: CliCommand = {
  group: "Ask",
  signature: "history <project>",
  summary: "who deployed what, when and why, newest first",
  examples: [
    'history "Digits"',
    'history "Digits" --strategy rollback --from 2026-05-01',
    'history "Digits" --actor ci --json',
  ],
  configure: (command) =>
    command
      .option("--environment <name>", "only in this environment")
      .option("--strategy <name>", "only by this strategy")
      .option("--algorithm <name>", "only models of this algorithm")
      .option("--model <version|id>", "only this model")
      .option("--artifact-digest <digest>", "only models with this artifact")
      .option("--from <time>", "recorded then or later, ISO 8601")
      .option("--to <time>", "recorded before then")
      .option("--order <asc|desc>", "oldest or newest first (default: desc)")
      .option("--limit <count>", "at most so many", wholeNumber)
      .option("--after <position>", "go on after the row at this position")
      .option("--graph", "draw a line from each rollback back to what it repeats"),
  async run(session, [project = ""], options) {
    if (options.graph && options.order === "asc") {
      throw new LedgerError("INVALID_INPUT", "--graph is drawn newest first: leave --order out");
    }
    const names = [
      "environment",
      "strategy",
      "algorithm",
      "model",
      "artifactDigest",
      "from",
      "to",
      "order",
      "limit",
      "after",
    ];
    const { actor, reason } = session.globals;
    const filter = {
      project,
      ...given(options, ...names),
      ...(actor !== undefined && { actor }),
      ...(reason !== undefined && { reason }),
      signal: session.signal,
    } as DeploymentsFilter;
    const ledger = await session.existing();
    const rows = ledger.deployments(filter); // refuses a wrong filter before anything is read
    const isTable = !session.out.style.json && !session.out.style.quiet;
    const shown = isTable ? await rows.toArray() : rows;
    const versions = Array.isArray(shown) ? await versionsIn(ledger, shown) : new Map<string, number>();
    const numbers = Array.isArray(shown) ? await numbersIn(ledger, shown) : new Map<string, number>();
    const graph = Array.isArray(shown) && options.graph ? graphOf(shown, session.out.isTerminal) : [];
    const drawn = new Map(graph.map((lines, index) => [Array.isArray(shown) ? shown[index] : undefined, lines]));
    const columns: readonly Column<Deployment>[] = [
      ...(drawn.size > 0 ? [{ title: "", value: (row: Deployment) => drawn.get(row) ?? "" }] : []),
      { title: "number", value: (row) => String(row.number), align: "right" },
      { title: "environment", value: (row) => row.environment },
      { title: "when", value: (row) => row.recordedAt },
      { title: "who", value: (row) => row.actor },
      { title: "strategy", value: (row) => row.strategy },
      { title: "from → to", value: (row) => fromTo(row, versions) },
      { title: "reason", value: (row) => reasonOf(row, numbers) },
    ];
    await session.out.list(shown, columns, "no such deployments");
    return undefined;
  },
};

export const timeline: CliCommand = {
  group: "Ask",
  signature: "timeline <project>",
  summary: "from when to when each deployment served",
  examples: ['timeline "Digits"', 'timeline "Digits" --environment staging --from 2026-05-01'],
  configure: (command) =>
    command
      .option(...ENVIRONMENT)
      .option("--from <time>", "only what served then or later, ISO 8601")
      .option("--to <time>", "only what served before then")
      .addOption(byOption()),
  async run(session, [project = ""], options) {
    const query = {
      ...given(options, "environment", "from", "to"),
      ...clockOf(options.by),
      signal: session.signal,
    } as TimelineOptions;
    const columns: readonly Column<TimelineEntry>[] = [
      { title: "from", value: (row) => row.activeFrom },
      // What callers say took place may lie ahead, and then lasts from there on.
      { title: "to", value: (row) => row.activeTo ?? (options.by === "deployed-at" ? "open" : "now") },
      { title: "version", value: (row) => String(row.model.version), align: "right", isEssential: true },
      { title: "algorithm", value: (row) => row.model.algorithm },
      { title: "deployment", value: (row) => String(row.deployment.number), align: "right" },
      { title: "who", value: (row) => row.deployment.actor },
    ];
    const rows = await (await session.existing()).timeline(project, query);
    await session.out.list(rows, columns, "nothing was active");
    return undefined;
  },
};
