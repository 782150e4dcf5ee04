import { existsSync, renameSync, rmSync } from "node:fs";
import { LedgerError, refuseAborted } from "../errors.ts";
import type { Deployment, DeploymentSearch } from "../ledger/deployments.ts";
import type { ActiveQuery, ActiveRow, ProjectRow, ReadModel } from "../ledger/read-model.ts";
import { searchable } from "../ledger/searchable.ts";
import type { EventStore } from "../store/event-store.ts";
import { activeRow, deploymentRow, projectRow } from "./rows.ts";
import { type Tables, tablesOf } from "./tables.ts";
import { ACTIVE_CELLS, type Cell, DEPLOYMENT_CELLS, PROJECT_CELLS } from "./wire.ts";

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

  async function* pages<Row>(
    ask: (last: readonly Cell[] | undefined, limit: number) => Promise<readonly Cell[]>,
    { cellsARow, limit, signal }: { cellsARow: number; limit?: number | undefined; signal?: AbortSignal | undefined },
    rowOf: (cells: readonly Cell[], at: number) => Row,
  ): AsyncGenerator<Row> {
    let left = limit ?? Number.POSITIVE_INFINITY;
    let wanted = Math.min(FIRST_PAGE_ROWS, left);
    let asked = ask(undefined, wanted);
    let size = FIRST_PAGE_ROWS;
    for (let isFirst = true; ; isFirst = false) {
      refuseAborted(signal);
      const cells = await asked;
      left -= cells.length / cellsARow;
      const isLast = left <= 0 || cells.length < wanted * cellsARow;
      size = Math.min(size * 4, MAX_PAGE_ROWS);
      wanted = Math.min(size, left);
      const next = () => ask(cells.slice(-cellsARow), wanted);
      // Of a long list the thread finds the next rows while these are taken; a short one asks for nothing beyond itself.
      const ahead = isLast || isFirst ? undefined : next();
      ahead?.catch(() => undefined); // it is awaited, unless nobody reads on
      for (let at = 0; at < cells.length; at += cellsARow) yield rowOf(cells, at);
      if (isLast) return;
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
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<number, ActiveRow[]>> {
    const found = new Map<number, ActiveRow[]>();
    let [project, environment] = [first - 1, "\u{10ffff}"];
    for (;;) {
      const cells = await activeAfter({ by: "recordedAt" }, project, environment, MAX_PAGE_ROWS, signal);
      for (let at = 0; at < cells.length; at += ACTIVE_CELLS) {
        project = Number(cells[at]);
        if (project > last) return found;
        environment = String(cells[at + 2]);
        found.set(project, [...(found.get(project) ?? []), activeRow(cells, at)]);
      }
      if (cells.length < MAX_PAGE_ROWS * ACTIVE_CELLS) return found;
    }
  }

  return {
    catchUp: (maxEvents = Number.POSITIVE_INFINITY) => using((one) => one.catchUp(maxEvents)),
    deployments({ order, limit, after, signal, reason, ...rest }: DeploymentSearch): AsyncIterable<Deployment> {
      const search = { ...rest, reason: reason && searchable(reason), descending: order === "desc" };
      return pages(
        (last, wanted) => {
          const request = { ...search, after: last === undefined ? after : String(last[0]), limit: wanted };
          return using((one) => one.ask((thread, checkpoint) => thread.call("search", checkpoint, request), signal));
        },
        { cellsARow: DEPLOYMENT_CELLS, limit, signal },
        deploymentRow,
      );
    },
    async *projects(signal): AsyncGenerator<ProjectRow> {
      const active = new Map<number, ActiveRow[]>();
      yield* pages(
        async (last, wanted) => {
          const after = Number(last?.[0] ?? 0);
          const cells = await using((one) =>
            one.ask((thread, checkpoint) => thread.call("projects", checkpoint, after, wanted), signal),
          );
          if (cells.length === 0) return cells;
          const found = await activeIn(Number(cells[0]), Number(cells.at(-PROJECT_CELLS)), signal);
          for (const [project, rows] of found) active.set(project, rows);
          return cells;
        },
        { cellsARow: PROJECT_CELLS, signal },
        (cells, at) => {
          const project = Number(cells[at]);
          const rows = active.get(project) ?? [];
          active.delete(project); // the next page's are there already
          return projectRow(cells, at, rows);
        },
      );
    },
    activeModels: (query, { limit, signal }) =>
      pages(
        (last, wanted) => activeAfter(query, Number(last?.[0] ?? 0), String(last?.[2] ?? ""), wanted, signal),
        { cellsARow: ACTIVE_CELLS, limit, signal },
        activeRow,
      ),
    async close() {
      await current?.close();
    },
  };
}

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
