import type { Database } from "better-sqlite3";
import { LedgerError } from "../errors.ts";

/** Raise it whenever the tables or what is put in them change: the new ones are then built beside the old. */
export const VERSION = 3;

/** "mlrm": tells our files from other programs' (`PRAGMA application_id`). */
const APPLICATION_ID = 0x6d6c726d;

/** Of this version; those of others stand beside them in the same file. */
export const table = (name: string): string => `v${VERSION}_${name}`;

/** The one table that all versions share: its columns stay as they are. */
const CHECKPOINTS = `
  CREATE TABLE IF NOT EXISTS read_models (
    version INTEGER PRIMARY KEY,
    ledger TEXT NOT NULL,
    position TEXT NOT NULL,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    event TEXT NOT NULL,
    latestAt TEXT NOT NULL,
    skewMs INTEGER NOT NULL,
    isComplete INTEGER NOT NULL
  );
`;

/**
 * What is searched by is kept once and numbered. `seq` numbers deployments as the log orders them, so an index on any
 * number gives its rows in that order.
 *
 * A facet is one combination of what has few values, a lane that of one project; they are what makes a search by several
 * fields read no row in vain. `latestAt` is the latest time recorded so far: unlike `recordedAt` it never goes back over
 * all projects, so that a stretch of time is a stretch of `seq`.
 */
const TABLES = {
  projects: `(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, task TEXT, policy TEXT NOT NULL, models INTEGER NOT NULL,
    retired INTEGER NOT NULL, deployments INTEGER NOT NULL, revision INTEGER NOT NULL, recordedAt TEXT NOT NULL
  )`,
  models: `(
    id INTEGER PRIMARY KEY, modelId TEXT NOT NULL, project INTEGER NOT NULL, version INTEGER NOT NULL, metrics TEXT,
    artifact TEXT, digest TEXT, trainedAt TEXT, isRetired INTEGER NOT NULL, deployments INTEGER NOT NULL,
    UNIQUE (modelId, project)
  )`,
  series: `(
    id INTEGER PRIMARY KEY, project INTEGER NOT NULL, environment TEXT NOT NULL, latest INTEGER NOT NULL,
    UNIQUE (project, environment)
  )`,
  facets: `(
    id INTEGER PRIMARY KEY, environment TEXT NOT NULL, actor TEXT NOT NULL, strategy TEXT NOT NULL,
    algorithm TEXT NOT NULL, deployments INTEGER NOT NULL, UNIQUE (environment, actor, strategy, algorithm)
  )`,
  lanes: `(
    id INTEGER PRIMARY KEY, project INTEGER NOT NULL, facet INTEGER NOT NULL, deployments INTEGER NOT NULL,
    UNIQUE (project, facet)
  )`,
  reasons: `(
    id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, searchable TEXT NOT NULL, deployments INTEGER NOT NULL
  )`,
  deployments: `(
    seq INTEGER PRIMARY KEY, position TEXT NOT NULL, series INTEGER NOT NULL, lane INTEGER NOT NULL,
    facet INTEGER NOT NULL, model INTEGER NOT NULL, reason INTEGER, deploymentId TEXT NOT NULL, number INTEGER NOT NULL,
    deployedAt TEXT NOT NULL, recordedAt TEXT NOT NULL, latestAt TEXT NOT NULL, revision INTEGER NOT NULL,
    score REAL, rest TEXT NOT NULL
  )`,
} as const;

const INDEXES: readonly (readonly [name: string, columns: string, where?: string])[] = [
  ["models", "digest", "digest IS NOT NULL"],
  ["deployments", "position"],
  ["deployments", "latestAt"],
  ["deployments", "lane"],
  ["deployments", "facet"],
  ["deployments", "model"],
  ["deployments", "reason", "reason IS NOT NULL"],
  ["deployments", "series, recordedAt"],
  ["deployments", "series, deployedAt"],
];

/** By every three letters in a row; they are told apart as given, for `searchable` text has no case. */
const REASON_INDEX = `USING fts5(searchable, content='', tokenize='trigram case_sensitive 1', detail=none, columnsize=0)`;

function createTables(database: Database): void {
  for (const [name, columns] of Object.entries(TABLES)) database.exec(`CREATE TABLE ${table(name)} ${columns}`);
  for (const [index, [name, columns, where]] of INDEXES.entries()) {
    const condition = where === undefined ? "" : ` WHERE ${where}`;
    database.exec(`CREATE INDEX ${table(`index${index}`)} ON ${table(name)} (${columns})${condition}`);
  }
  database.exec(`CREATE VIRTUAL TABLE ${table("reasonIndex")} ${REASON_INDEX}`);
}

/** Drops the tables of one version, whatever they were. */
function dropTables(database: Database, version: number): void {
  const owned = database
    .prepare<[string], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB ? ORDER BY sql LIKE 'CREATE VIRTUAL%' DESC",
    )
    .pluck()
    .all(`v${version}_*`);
  for (const name of owned) database.exec(`DROP TABLE IF EXISTS "${name}"`);
  database.prepare("DELETE FROM read_models WHERE version = ?").run(version);
}

const isThere = (database: Database, name: string): boolean =>
  database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== undefined;

/**
 * All in one transaction: another process may be making a read model of the file just now.
 * @throws {LedgerError} STORE_UNAVAILABLE for a database of another program: it must not be touched.
 */
export function refuseForeign(database: Database): void {
  const [applicationId, objects] = database.transaction(() => [
    database.pragma("application_id", { simple: true }),
    database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get(),
  ])();
  if (applicationId === APPLICATION_ID || (applicationId === 0 && objects === 0)) return;
  const message = `"${database.name}" is a SQLite database of another program, not a read model: name another file`;
  throw new LedgerError("STORE_UNAVAILABLE", message, { path: database.name, isForeign: true });
}

/** Makes the tables if they are not there. */
export function prepareTables(database: Database): void {
  database
    .transaction(() => {
      refuseForeign(database);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.exec(CHECKPOINTS);
      if (!isThere(database, table("deployments"))) createTables(database);
    })
    .immediate();
}

/** Begins again with empty tables. */
export function resetTables(database: Database): void {
  dropTables(database, VERSION);
  createTables(database);
}

/** What a newer version of the program needs stays: that one may be running beside us. */
export function dropOlderTables(database: Database): void {
  const versions = database.prepare<[number], number>("SELECT version FROM read_models WHERE version < ?").pluck();
  for (const version of versions.all(VERSION)) dropTables(database, version);
}
