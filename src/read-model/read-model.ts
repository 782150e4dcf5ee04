import { existsSync, renameSync, rmSync } from "node:fs";
import { LedgerError, refuseAborted } from "../errors.ts";
import { parseJson } from "../events/parse-json.ts";
import type { ActiveModel } from "../ledger/active-model.ts";
import type { Deployment, DeploymentSearch } from "../ledger/deployments.ts";
import type { ActiveQuery, ProjectRow, ReadModel } from "../ledger/read-model.ts";
import { searchable } from "../ledger/searchable.ts";
import type { EventStore } from "../store/event-store.ts";
import { activeModel, deploymentRow, projectRow } from "./rows.ts";
import { type Tables, tablesOf } from "./tables.ts";
import type { ActiveCells, DeploymentCells, ProjectCells } from "./wire.ts";

const FIRST_PAGE_ROWS = 64;
const MAX_PAGE_ROWS = 1_024;

const MEMORY = ":memory:";

/**
 * A read model of the store in SQLite: in the file at `path`, in memory without one. Nothing is opened or made before
 * the first question. A file that is damaged is put aside (`<path>.damaged`) and made anew; where none can be written,
 * the tables are in memory. Several processes may share a file.
 */
export function sqliteReadModel(store: EventStore, path?: string): ReadModel {
  let current: Tables | undefined;
  let where = path ?? MEMORY;
  let isMended = false;

  function tables(): Tables {
    current ??= tablesOf(store, where);
    return current;
  }

  /** Does `work`, and once more on other tables where these cannot be used. */
  async function using<Result>(work: (tables: Tables) => Promise<Result>): Promise<Result> {
    for (;;) {
      const used = tables();
      try {
        return await work(used);
      } catch (error) {
        if (!isOfTables(error, where)) throw error;
        if (current === used) await leave(used, error);
      }
    }
  }

  async function leave(used: Tables, error: LedgerError): Promise<void> {
    current = undefined;
    await used.close().catch(() => undefined);
    if (error.code === "CORRUPT" && !isMended && putAside(where)) isMended = true;
    else where = MEMORY;
  }

  async function* pages<Cells, Row>(
    ask: (last: Cells | undefined, limit: number) => Promise<readonly string[]>,
    { limit, signal }: { limit?: number | undefined; signal?: AbortSignal | undefined },
    rowOf: (cells: Cells) => Row,
  ): AsyncGenerator<Row> {
    let left = limit ?? Number.POSITIVE_INFINITY;
    let wanted = Math.min(FIRST_PAGE_ROWS, left);
    let asked = ask(undefined, wanted);
    let size = FIRST_PAGE_ROWS;
    for (let isFirst = true; ; isFirst = false) {
      refuseAborted(signal);
      const rows = await asked;
      left -= rows.length;
      const last = rows.at(-1);
      const isEnd = last === undefined || left <= 0 || rows.length < wanted;
      size = Math.min(size * 4, MAX_PAGE_ROWS);
      wanted = Math.min(size, left);
      const next = () => ask(last === undefined ? last : parsed<Cells>(last), wanted);
      // Of a long list the thread finds the next rows while these are taken; a short one asks for nothing beyond itself.
      const ahead = isEnd || isFirst ? undefined : next();
      ahead?.catch(() => undefined); // it is awaited, unless nobody reads on
      for (const row of rows) yield rowOf(parsed(row));
      if (isEnd) return;
      asked = ahead ?? next();
    }
  }

  function activeAfter(
    query: ActiveQuery,
    project: number,
    environment: string,
    limit: number,
    signal: AbortSignal | undefined,
  ) {
    const { environment: only, at, by } = query;
    const moment = at === undefined ? {} : "time" in at ? { time: at.time } : { position: at.position };
    const request = { environment: only, ...moment, by, afterProject: project, afterEnvironment: environment, limit };
    return using((one) => one.ask((thread, checkpoint) => thread.call("active", checkpoint, request), signal));
  }

  /** What is active in these projects, by the number of each. */
  async function activeIn(
    first: number,
    last: number,
    { defaults, signal }: Parameters<ReadModel["projects"]>[0],
  ): Promise<ReadonlyMap<number, ActiveModel[]>> {
    const found = new Map<number, ActiveModel[]>();
    let [project, environment] = [first - 1, "\u{10ffff}"];
    for (;;) {
      const rows = await activeAfter({ by: "recordedAt" }, project, environment, MAX_PAGE_ROWS, signal);
      for (const row of rows) {
        const cells = parsed<ActiveCells>(row);
        [[project, environment]] = cells;
        if (project > last) return found;
        found.set(project, [...(found.get(project) ?? []), activeModel(cells, defaults)]);
      }
      if (rows.length < MAX_PAGE_ROWS) return found;
    }
  }

  return {
    catchUp: (maxEvents = Number.POSITIVE_INFINITY) => using((one) => one.catchUp(maxEvents)),
    deployments({ order, limit, after, signal, reason, ...rest }: DeploymentSearch): AsyncIterable<Deployment> {
      const search = { ...rest, reason: reason && searchable(reason), descending: order === "desc" };
      return pages(
        (last: DeploymentCells | undefined, wanted) => {
          const request = { ...search, after: last === undefined ? after : last[0][0], limit: wanted };
          return using((one) => one.ask((thread, checkpoint) => thread.call("search", checkpoint, request), signal));
        },
        { limit, signal },
        deploymentRow,
      );
    },
    async *projects(options): AsyncGenerator<ProjectRow> {
      const { signal } = options;
      const active = new Map<number, ActiveModel[]>();
      yield* pages(
        async (last: ProjectCells | undefined, wanted) => {
          const after = last?.[0][0] ?? 0;
          const rows = await using((one) =>
            one.ask((thread, checkpoint) => thread.call("projects", checkpoint, after, wanted), signal),
          );
          const [first, end] = [rows.at(0), rows.at(-1)];
          if (first === undefined || end === undefined) return rows;
          const found = await activeIn(idOf(first), idOf(end), options);
          for (const [project, models] of found) active.set(project, models);
          return rows;
        },
        { signal },
        (cells) => {
          const [[project]] = cells;
          const models = active.get(project) ?? [];
          active.delete(project); // the next page's are there already
          return projectRow(cells, models);
        },
      );
    },
    activeModels: (query, { defaults, limit, signal }) =>
      pages(
        (last: ActiveCells | undefined, wanted) => {
          const [project, environment] = last?.[0] ?? [0, ""];
          return activeAfter(query, project, environment, wanted, signal);
        },
        { limit, signal },
        (cells) => activeModel(cells, defaults),
      ),
    async close() {
      await current?.close();
    },
  };
}

const parsed = <Cells>(row: string): Cells => parseJson(row) as Cells;

const idOf = (row: string): number => parsed<ProjectCells>(row)[0][0];

/** What the store says is the store's; the same cannot be done elsewhere. */
function isOfTables(error: unknown, path: string): error is LedgerError {
  if (!(error instanceof LedgerError) || path === MEMORY || error.details.isForeign === true) return false;
  return error.details.path === path;
}

/** The file is kept for whoever wants to look at it; what SQLite had beside it is of no use any more. */
function putAside(path: string): boolean {
  try {
    for (const part of [`${path}-wal`, `${path}-shm`]) rmSync(part, { force: true });
    if (existsSync(path)) renameSync(path, `${path}.damaged`);
    return true;
  } catch {
    return false; // then in memory
  }
}
