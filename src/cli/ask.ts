import { LedgerError } from "../errors.ts";
import type {
  ActiveModelOptions,
  Deployment,
  DeploymentsFilter,
  LeaderboardEntry,
  ModelEntry,
  ModelsFilter,
  ProjectSummary,
  TimelineEntry,
  TimelineOptions,
} from "../index.ts";
import { type CliCommand, given, wholeNumber } from "./command.ts";
import { whyOf } from "./describe.ts";
import type { Column } from "./output.ts";

const ENVIRONMENT = ["--environment <name>", "which environment (default: production)"] as const;

export const active: CliCommand = {
  group: "Ask",
  signature: "active <project>",
  summary: "which model is serving, or was at a moment in the past",
  examples: ['active "Digits"', 'active "Digits" --environment staging', 'active "Digits" --at 2026-05-04T10:00:00Z'],
  configure: (command) =>
    command
      .option(...ENVIRONMENT)
      .option("--at <time>", "as of this time, ISO 8601")
      .option("--at-revision <revision>", "as of this event of the project", wholeNumber)
      .option("--at-position <position>", "as of this position in the log"),
  async run(session, [project = ""], { environment = "production", at, atRevision, atPosition }) {
    if ([at, atRevision, atPosition].filter((moment) => moment !== undefined).length > 1) {
      throw new LedgerError("INVALID_INPUT", "give one of --at, --at-revision and --at-position");
    }
    const moment =
      atRevision !== undefined ? { revision: atRevision } : atPosition !== undefined ? { position: atPosition } : at;
    const options = { environment, ...(moment !== undefined && { at: moment }) } as ActiveModelOptions;
    const ledger = await session.existing();
    const model = await ledger.activeModel(project, options);
    if (model === undefined) {
      await ledger.project(project); // says so if there is no such project
      throw new LedgerError(
        "NO_ACTIVE_MODEL",
        `nothing ${moment === undefined ? "is" : "was"} active in ${environment} of "${project}"; deploy one first`,
      );
    }
    session.out.result(model, model.version, () => {
      session.out.table(
        [model],
        [
          { title: "project", value: (row) => row.project },
          { title: "environment", value: (row) => row.environment },
          { title: "version", value: (row) => String(row.version), align: "right" },
          { title: "algorithm", value: (row) => row.algorithm },
          { title: "score", value: (row) => String(row.score ?? "none"), align: "right" },
          { title: "since", value: (row) => row.recordedAt },
          { title: "who", value: (row) => row.actor },
        ],
      );
      const why = model.reason === undefined ? "no reason was given" : model.reason;
      session.out.line(`deployment ${model.number} by ${model.strategy}: ${why}`);
      if (model.artifact) session.out.line(`artifact ${model.artifact.uri} ${model.artifact.digest ?? ""}`.trimEnd());
    });
    return undefined;
  },
};

export const projects: CliCommand = {
  group: "Ask",
  signature: "projects",
  summary: "every project and what is active in it",
  examples: ["projects", "projects --json"],
  async run(session) {
    const columns: readonly Column<ProjectSummary>[] = [
      { title: "project", value: (row) => row.project },
      { title: "task", value: (row) => row.task ?? "not yet" },
      { title: "models", value: (row) => String(row.models), align: "right" },
      { title: "deployments", value: (row) => String(row.deployments), align: "right" },
      {
        title: "active",
        value: (row) => row.active.map((one) => `${one.environment}: ${one.version} (${one.algorithm})`).join(", "),
      },
    ];
    await session.out.list((await session.existing()).projects(), columns, "there are no projects yet");
    return undefined;
  },
};

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
    const filter = given(options, "algorithm", "retired", "limit") as ModelsFilter;
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
    const filter = given(options, "algorithm", "limit");
    const columns: readonly Column<LeaderboardEntry>[] = [
      { title: "place", value: (row) => String(row.place), align: "right" },
      { title: "version", value: (row) => String(row.version), align: "right" },
      { title: "algorithm", value: (row) => row.algorithm },
      { title: "metric", value: (row) => row.metric },
      { title: "score", value: (row) => String(row.score), align: "right" },
      { title: "active in", value: (row) => row.activeIn.join(", ") },
    ];
    await session.out.list((await session.existing()).leaderboard(project, filter), columns, "no model has a score");
    return undefined;
  },
};

/** "version 2 (svm) → version 3 (knn)" needs the version of what was replaced, which the event names by id only. */
function fromTo(row: Deployment, versions: ReadonlyMap<string, number>): string {
  const before = row.replaces && versions.get(row.replaces.modelId);
  return `${before === undefined ? "nothing" : before} → ${row.version} (${row.algorithm})`;
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
      .option("--from <time>", "recorded then or later, ISO 8601")
      .option("--to <time>", "recorded before then")
      .option("--order <asc|desc>", "oldest or newest first (default: desc)")
      .option("--limit <count>", "at most so many", wholeNumber)
      .option("--after <position>", "go on after the row at this position"),
  async run(session, [project = ""], options) {
    const names = ["environment", "strategy", "algorithm", "model", "from", "to", "order", "limit", "after"];
    const { actor } = session.globals;
    const filter = { project, ...given(options, ...names), ...(actor !== undefined && { actor }) } as DeploymentsFilter;
    const ledger = await session.existing();
    const rows = ledger.deployments(filter); // refuses a wrong filter before anything is read
    const versions = new Map<string, number>();
    if (!session.out.style.json) {
      for await (const { modelId, version } of ledger.models(project)) versions.set(modelId, version);
    }
    const columns: readonly Column<Deployment>[] = [
      { title: "number", value: (row) => String(row.number), align: "right" },
      { title: "environment", value: (row) => row.environment },
      { title: "when", value: (row) => row.recordedAt },
      { title: "who", value: (row) => row.actor },
      { title: "strategy", value: (row) => row.strategy },
      { title: "from → to", value: (row) => fromTo(row, versions) },
      { title: "reason", value: (row) => row.reason ?? whyOf(row) },
    ];
    await session.out.list(rows, columns, "no such deployments");
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
      .option("--to <time>", "only what served before then"),
  async run(session, [project = ""], options) {
    const query = given(options, "environment", "from", "to") as TimelineOptions;
    const columns: readonly Column<TimelineEntry>[] = [
      { title: "from", value: (row) => row.activeFrom },
      { title: "to", value: (row) => row.activeTo ?? "now" },
      { title: "version", value: (row) => String(row.model.version), align: "right" },
      { title: "algorithm", value: (row) => row.model.algorithm },
      { title: "deployment", value: (row) => String(row.deployment.number), align: "right" },
      { title: "who", value: (row) => row.deployment.actor },
    ];
    const rows = await (await session.existing()).timeline(project, query);
    await session.out.list(rows, columns, "nothing was active");
    return undefined;
  },
};
