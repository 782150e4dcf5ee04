import { LedgerError } from "../errors.ts";
import type { ActiveModel, ActiveModelOptions, ActiveModelsFilter } from "../index.ts";
import {
  byOption,
  type CliCommand,
  clockOf,
  given,
  type Options,
  type Session,
  timeText,
  wholeNumber,
} from "./command.ts";
import type { Column } from "./output.ts";

/** `by`: the clock that was asked by, as `--by` names it. */
const columnsBy = (by: unknown): readonly Column<ActiveModel>[] => [
  { title: "project", value: (row) => row.project },
  { title: "environment", value: (row) => row.environment },
  { title: "version", value: (row) => String(row.version), align: "right", isEssential: true },
  { title: "algorithm", value: (row) => row.algorithm },
  { title: "score", value: (row) => String(row.score ?? "none"), align: "right" },
  { title: "since", value: (row) => (by === "deployed-at" ? row.deployedAt : row.recordedAt) },
  { title: "who", value: (row) => row.actor },
];

export const active: CliCommand = {
  group: "Ask",
  signature: "active [project]",
  summary: "which model is serving, or was at a moment in the past",
  examples: [
    'active "Digits"',
    'active "Digits" --environment staging',
    'active "Digits" --at 2026-05-04T10:00:00Z',
    "active --all --at 2026-05-04",
  ],
  configure: (command) =>
    command
      .option("--all", "in every project; and in every environment unless one is named")
      .option("--environment <name>", "which environment (default: production)")
      .option("--at <time>", "as of this time, ISO 8601", timeText)
      .option("--at-revision <revision>", "as of this event of the project", wholeNumber)
      .option("--at-position <position>", "as of this position in the log")
      .addOption(byOption()),
  async run(session, [project], options) {
    if (options.all !== undefined) return everywhere(session, project, options);
    if (project === undefined) throw new LedgerError("INVALID_INPUT", "name a project, or ask for --all");
    const { environment = "production", at, atRevision, atPosition, by } = options;
    if ([at, atRevision, atPosition].filter((moment) => moment !== undefined).length > 1) {
      throw new LedgerError("INVALID_INPUT", "give one of --at, --at-revision and --at-position");
    }
    const moment =
      atRevision !== undefined ? { revision: atRevision } : atPosition !== undefined ? { position: atPosition } : at;
    const query = {
      environment,
      ...(moment !== undefined && { at: moment }),
      ...clockOf(by),
      signal: session.signal,
    } as ActiveModelOptions;
    const ledger = await session.existing();
    const model = await ledger.activeModel(project, query);
    if (model === undefined) {
      await ledger.project(project); // says so if there is no such project
      throw new LedgerError(
        "NO_ACTIVE_MODEL",
        `nothing ${moment === undefined ? "is" : "was"} active in ${environment} of "${project}"`,
        { project, environment },
      );
    }
    session.out.result(model, model.version, () => {
      session.out.table([model], columnsBy(by));
      const why = model.reason === undefined ? "no reason was given" : model.reason;
      session.out.say(`deployment ${model.number} by ${model.strategy}: ${why}`);
      if (model.artifact) session.out.say(`artifact ${model.artifact.uri} ${model.artifact.digest ?? ""}`.trimEnd());
    });
    return undefined;
  },
};

async function everywhere(session: Session, project: string | undefined, options: Options): Promise<undefined> {
  if (project !== undefined) throw new LedgerError("INVALID_INPUT", "give a project or --all, not both");
  const { at, atRevision, atPosition, by } = options;
  if (atRevision !== undefined) {
    throw new LedgerError(
      "INVALID_INPUT",
      "--at-revision belongs to one project: use --at or --at-position with --all",
    );
  }
  if (at !== undefined && atPosition !== undefined) {
    throw new LedgerError("INVALID_INPUT", "give one of --at and --at-position");
  }
  const moment = atPosition === undefined ? at : { position: atPosition };
  const query = {
    ...given(options, "environment"),
    ...(moment !== undefined && { at: moment }),
    ...clockOf(by),
    signal: session.signal,
  } as ActiveModelsFilter;
  await session.out.list((await session.existing()).activeModels(query), columnsBy(by), "nothing was active anywhere");
  return undefined;
}
