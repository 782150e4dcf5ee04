import { Readable } from "node:stream";
import { LedgerError } from "../errors.ts";
import type { Deployment } from "../ledger/deployments.ts";
import { cloudEventOf } from "./cloud-events.ts";

/** The forms that deployments are exported in; each is text that comes row by row, so that a long export needs no memory. */
export const EXPORT_FORMATS = ["ndjson", "csv", "cloudevents"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

interface ExportOptions {
  /** A URI reference (RFC 3986) that names the ledger, for CloudEvents. */
  readonly source?: string | undefined;
}

/**
 * NDJSON of the deployments, CSV with a header, or NDJSON of CloudEvents. Reads no faster than it is read.
 * @throws {LedgerError} INVALID_INPUT for a `source` that is no URI reference.
 */
export function exportDeployments(
  rows: AsyncIterable<Deployment>,
  format: ExportFormat,
  { source }: ExportOptions = {},
): AsyncIterable<string> {
  if (source !== undefined && !isUriReference(source)) {
    const message = `the source ${JSON.stringify(source)} is no URI reference: take one like https://ledger.example.com`;
    throw new LedgerError("INVALID_INPUT", message, { source });
  }
  switch (format) {
    case "ndjson":
      return lines(rows, (row) => ({ ...row, revision: String(row.revision) }));
    case "csv":
      return csv(rows);
    case "cloudevents":
      return lines(rows, (row) => cloudEventOf(row, source));
  }
}

const URI_CHARACTERS = /^(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[\da-f]{2})+$/i;
const isUriReference = (text: string): boolean =>
  URI_CHARACTERS.test(text) && URL.canParse(text, "https://ledger.invalid");

async function* lines(rows: AsyncIterable<Deployment>, shape: (row: Deployment) => object): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(shape(row))}\n`;
}

const COLUMNS: Readonly<Record<string, (row: Deployment) => string | number | bigint | null | undefined>> = {
  project: (row) => row.project,
  environment: (row) => row.environment,
  number: (row) => row.number,
  recordedAt: (row) => row.recordedAt,
  deployedAt: (row) => row.deployedAt,
  actor: (row) => row.actor,
  reason: (row) => row.reason,
  strategy: (row) => row.strategy,
  version: (row) => row.version,
  algorithm: (row) => row.algorithm,
  metric: (row) => row.decision.metric,
  goal: (row) => row.decision.goal,
  score: (row) => row.decision.score,
  previousScore: (row) => row.decision.previousScore,
  candidates: (row) => row.decision.candidates,
  algorithmFilter: (row) => row.algorithmFilter,
  promotedFrom: (row) => row.promotedFrom,
  modelId: (row) => row.modelId,
  deploymentId: (row) => row.deploymentId,
  replacesModelId: (row) => row.replaces?.modelId,
  replacesDeploymentId: (row) => row.replaces?.deploymentId,
  replays: (row) => row.replays,
  commandId: (row) => row.commandId,
  correlationId: (row) => row.correlationId,
  causationId: (row) => row.causationId,
  revision: (row) => row.revision,
  position: (row) => row.position,
};

/** What a spreadsheet would take for a formula, full-width signs included, gets a quote before it. */
const harmless = (text: string): string => (/^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text);

async function* csv(rows: AsyncIterable<Deployment>): AsyncGenerator<string> {
  const columns = Object.entries(COLUMNS);
  const { stringify } = await import("csv-stringify"); // only who wants CSV waits for it
  const source = Readable.from(cellsOf(rows));
  const text = stringify({
    header: true,
    columns: columns.map(([name]) => name),
    cast: { string: harmless, bigint: String },
    encoding: "utf8",
  });
  source.on("error", (error) => text.destroy(error));
  source.pipe(text);
  try {
    for await (const chunk of text) yield String(chunk);
  } finally {
    source.destroy();
  }

  async function* cellsOf(all: AsyncIterable<Deployment>) {
    for await (const row of all) yield columns.map(([, cell]) => cell(row));
  }
}
