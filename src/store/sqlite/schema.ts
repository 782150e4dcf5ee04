import type { Database } from "better-sqlite3";
import { LedgerError } from "../../errors.ts";

/** "mlgr", in the header of every ledger: tells our files from other programs' (`PRAGMA application_id`). */
const APPLICATION_ID = 0x6d6c6772;

/** Measured against 4 and 16 KiB with logs of 4 to 64 MiB: appends are fastest with this and a log of 16 MiB. */
const PAGE_BYTES = 8192;

const EVENTS = `
  CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    metadata TEXT NOT NULL,
    UNIQUE (stream, revision),
    UNIQUE (id)
  );
  CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);
`;

/** For people who think in SQL; nothing of ours reads them. Their columns carry the names of the events' fields. */
const VIEWS = `
  CREATE VIEW models AS
    SELECT
      json_extract(trained.data, '$.project') AS project,
      json_extract(trained.data, '$.version') AS version,
      json_extract(trained.data, '$.modelId') AS modelId,
      json_extract(trained.data, '$.task') AS task,
      json_extract(trained.data, '$.algorithm') AS algorithm,
      json_extract(trained.data, '$.metrics') AS metrics,
      json_extract(trained.data, '$.hyperparams') AS hyperparams,
      json_extract(trained.data, '$.snapshot') AS snapshot,
      json_extract(trained.data, '$.artifact') AS artifact,
      json_extract(trained.data, '$.labels') AS labels,
      json_extract(trained.data, '$.trainedAt') AS trainedAt,
      json_extract(trained.data, '$.automaticDeploy.outcome') AS automaticDeploy,
      json_extract(trained.data, '$.automaticDeploy.because') AS because,
      coalesce(latest.type = 'ModelRetired', 0) AS retired,
      json_extract(trained.metadata, '$.actor') AS actor,
      json_extract(trained.metadata, '$.reason') AS reason,
      json_extract(trained.metadata, '$.commandId') AS commandId,
      json_extract(trained.metadata, '$.recordedAt') AS recordedAt,
      trained.revision,
      trained.position
    FROM events AS trained
    LEFT JOIN (
      SELECT stream, json_extract(data, '$.modelId') AS modelId, type, max(position)
      FROM events
      WHERE type IN ('ModelRetired', 'ModelReinstated')
      GROUP BY 1, 2
    ) AS latest ON latest.stream = trained.stream AND latest.modelId = json_extract(trained.data, '$.modelId')
    WHERE trained.type = 'ModelTrained';

  CREATE VIEW deployments AS
    SELECT
      json_extract(data, '$.project') AS project,
      json_extract(data, '$.environment') AS environment,
      json_extract(data, '$.number') AS number,
      json_extract(data, '$.deploymentId') AS deploymentId,
      json_extract(data, '$.modelId') AS modelId,
      json_extract(data, '$.version') AS version,
      json_extract(data, '$.algorithm') AS algorithm,
      json_extract(data, '$.strategy') AS strategy,
      json_extract(data, '$.algorithmFilter') AS algorithmFilter,
      json_extract(data, '$.replaces.modelId') AS replacesModelId,
      json_extract(data, '$.replaces.deploymentId') AS replacesDeploymentId,
      json_extract(data, '$.replays') AS replays,
      json_extract(data, '$.promotedFrom') AS promotedFrom,
      coalesce(json_extract(data, '$.forced'), 0) AS forced,
      json_extract(data, '$.decision.metric') AS metric,
      json_extract(data, '$.decision.goal') AS goal,
      json_extract(data, '$.decision.score') AS score,
      json_extract(data, '$.decision.previousScore') AS previousScore,
      json_extract(data, '$.decision.candidates') AS candidates,
      json_extract(data, '$.deployedAt') AS deployedAt,
      json_extract(metadata, '$.actor') AS actor,
      json_extract(metadata, '$.reason') AS reason,
      json_extract(metadata, '$.commandId') AS commandId,
      json_extract(metadata, '$.recordedAt') AS recordedAt,
      revision,
      position
    FROM events
    WHERE type = 'ModelDeployed';

  -- beside max(), SQLite takes the other columns from the row that holds the maximum
  CREATE VIEW active_models AS
    SELECT
      project, environment, modelId, version, algorithm, number, deploymentId, strategy, metric, score,
      deployedAt, actor, reason, revision, max(position) AS position
    FROM deployments
    GROUP BY project, environment;
`;

const KEPT_REVISIONS = "ALTER TABLE kept ADD COLUMN revision INTEGER NOT NULL DEFAULT 0";

/** In order, and only ever added to: a file of `user_version` n lacks those from the n-th on. */
const MIGRATIONS: readonly string[] = [EVENTS, VIEWS, KEPT_REVISIONS];

export const SCHEMA_VERSION = MIGRATIONS.length;

export type FileState = "new" | "older" | "current";

const number = (database: Database, pragma: string): number => Number(database.pragma(pragma, { simple: true }));

interface Header {
  readonly applicationId: number;
  readonly version: number;
  readonly objects: number;
}

/** All in one transaction: another process may be making a ledger of the file just now. */
const readHeader = (database: Database): Header =>
  database.transaction(() => ({
    applicationId: number(database, "application_id"),
    version: number(database, "user_version"),
    objects: Number(database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get()),
  }))();

/**
 * What kind of file this is.
 * @throws {LedgerError} STORE_UNAVAILABLE for a database of another program or of a newer model-ledger.
 */
export function fileState(database: Database): FileState {
  const path = database.name;
  const { applicationId, version, objects } = readHeader(database);
  if (applicationId === 0 && version === 0 && objects === 0) return "new";
  if (applicationId !== APPLICATION_ID) {
    const message = `"${path}" is a SQLite database of another program, not a ledger`;
    throw new LedgerError("STORE_UNAVAILABLE", message, { path });
  }
  if (version <= SCHEMA_VERSION) return version === SCHEMA_VERSION ? "current" : "older";
  throw new LedgerError(
    "STORE_UNAVAILABLE",
    `the ledger "${path}" was written by a newer model-ledger (its schema is ${version}, this program knows ` +
      `${SCHEMA_VERSION}): update model-ledger`,
    { path, schemaVersion: version, knownVersion: SCHEMA_VERSION },
  );
}

/** Brings the file to the newest schema, all of it or nothing. Another process may be doing the same. */
export function migrate(database: Database): void {
  database
    .transaction(() => {
      if (fileState(database) === "current") return;
      for (const migration of MIGRATIONS.slice(number(database, "user_version"))) database.exec(migration);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${SCHEMA_VERSION}`);
    })
    .immediate();
}

/** For a new file only, before anything is written to it. */
export const setPageSize = (database: Database): void => {
  database.pragma(`page_size = ${PAGE_BYTES}`);
};
