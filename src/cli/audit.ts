import { Option } from "commander";
import { LedgerError } from "../errors.ts";
import {
  type Deployment,
  type DeploymentsFilter,
  EXPORT_FORMATS,
  type ExportFormat,
  exportDeployments,
} from "../index.ts";
import { type CliCommand, given, wholeNumber } from "./command.ts";
import { whyOf } from "./describe.ts";
import type { Column } from "./output.ts";

const COLUMNS: readonly Column<Deployment>[] = [
  { title: "when", value: (row) => row.recordedAt },
  { title: "project", value: (row) => row.project },
  { title: "environment", value: (row) => row.environment },
  { title: "number", value: (row) => String(row.number), align: "right" },
  { title: "who", value: (row) => row.actor },
  { title: "strategy", value: (row) => row.strategy },
  { title: "version", value: (row) => String(row.version), align: "right" },
  { title: "algorithm", value: (row) => row.algorithm },
  { title: "position", value: (row) => row.position, isEssential: true },
  { title: "reason", value: (row) => row.reason ?? whyOf(row) },
];

const FILTERS = [
  ...["project", "environment", "strategy", "algorithm", "model", "artifactDigest"],
  ...["from", "to", "order", "limit", "after"],
];

export const audit: CliCommand = {
  group: "Ask",
  signature: "audit",
  summary: "search the deployments of all projects, and export them",
  examples: [
    "audit --actor ci --from 2026-05-01",
    'audit --reason "error rate" --strategy rollback',
    'audit --project "Digits" --format csv > deployments.csv',
    "audit --format cloudevents --source https://ledger.example.com",
  ],
  configure: (command) =>
    command
      .option("--project <name>", "only of this project")
      .option("--environment <name>", "only in this environment")
      .option("--strategy <name>", "only by this strategy")
      .option("--algorithm <name>", "only models of this algorithm")
      .option("--model <version|id>", "only this model; a version goes with --project")
      .option("--artifact-digest <digest>", "only models with this artifact")
      .option("--from <time>", "recorded then or later, ISO 8601")
      .option("--to <time>", "recorded before then")
      .option("--order <asc|desc>", "oldest or newest first (default: desc)")
      .option("--limit <count>", "at most so many", wholeNumber)
      .option("--after <position>", "go on after the row at this position")
      .addOption(
        new Option("--format <form>", "table, NDJSON, CSV or CloudEvents (default: table)").choices([
          "table",
          ...EXPORT_FORMATS,
        ]),
      )
      .option("--source <uri>", "what CloudEvents name as their source (default: /model-ledger)"),
  async run(session, _args, options) {
    const { actor, reason, json } = session.globals;
    const format = options.format ?? (json ? "ndjson" : "table");
    if (options.source !== undefined && format !== "cloudevents") {
      throw new LedgerError("INVALID_INPUT", "--source goes with --format cloudevents");
    }
    const search = {
      ...given(options, ...FILTERS),
      ...(actor !== undefined && { actor }),
      ...(reason !== undefined && { reason }),
      signal: session.signal,
    } as DeploymentsFilter;
    const rows = (await session.existing()).deployments(search);
    if (format === "table") await session.out.list(rows, COLUMNS, "no such deployments");
    else await session.out.stream(exportDeployments(rows, format as ExportFormat, given(options, "source")));
    return undefined;
  },
};
