import Database from "better-sqlite3";

export interface Row {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

/** The rows of a ledger's file, in the order of its log. */
export function rowsOf(path: string): Row[] {
  const database = new Database(path, { readonly: true });
  try {
    const sql = "SELECT stream, revision, id, type, data, metadata FROM events ORDER BY position";
    return database.prepare<[], Row>(sql).all();
  } finally {
    database.close();
  }
}

/** The same table, the same pragmas, the same rows, and nothing else: the floor that every figure is compared with. */
export function bareDriver(path: string, schemaFrom: string) {
  const source = new Database(schemaFrom, { readonly: true });
  const table = source.prepare("SELECT sql FROM sqlite_schema WHERE name = 'events'").pluck().get();
  const pageSize = source.pragma("page_size", { simple: true });
  source.close();
  const database = new Database(path);
  database.pragma(`page_size = ${pageSize}`);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec(String(table));
  const insert = database.prepare(
    "INSERT INTO events (stream, revision, id, type, data, metadata) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const one = (row: Row) => insert.run(row.stream, row.revision, row.id, row.type, row.data, row.metadata);
  const many = database.transaction((rows: readonly Row[]) => {
    for (const row of rows) one(row);
  });
  return { one, many: (rows: readonly Row[]) => many.immediate(rows), close: () => database.close() };
}

/** Groups rows into commands: a deployment that its training caused goes with it. */
export function commandsOf(rows: readonly Row[]): Row[][] {
  const commands: Row[][] = [];
  let last: string | undefined;
  for (const row of rows) {
    const { commandId } = JSON.parse(row.metadata) as { readonly commandId: string };
    if (commandId === last) commands.at(-1)?.push(row);
    else commands.push([row]);
    last = commandId;
  }
  return commands;
}
