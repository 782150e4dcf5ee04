import type { Database, Statement } from "better-sqlite3";
import { type Column, columns, type Fit } from "./columns.ts";
import { broadFits, namedFit } from "./fits.ts";
import { merged } from "./merge.ts";
import { table } from "./schema.ts";
import { type Cell, rowText, type SearchRequest } from "./wire.ts";

/** More numbers than this are not named one by one. */
const MAX_KEYS = 2_000;
const MAX_REMEMBERED = 64;
/** Each costs as much to look up as the last; a reason that holds all of them is looked through anyway. */
const MAX_THREES = 64;
/** The last moment that is written with four digits for the year: later ones do not sort as text. */
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");
/** So many rows are looked at one by one; where more must be, to find those that fit in two ways, columns are faster. */
const MAX_LOOKED_AT = 1_000;

const COLUMNS = [
  ...["d.position", "p.name", "f.environment", "d.number", "d.deploymentId", "m.modelId", "m.version", "f.algorithm"],
  ...["f.strategy", "f.actor", "r.text", "d.deployedAt", "d.recordedAt", "d.revision"],
];

/** A column of numbers, and those of them that fit: every row that fits has one of them. */
interface Family {
  readonly column: Column;
  readonly ids: ReadonlySet<number>;
  /** How many deployments have one of them. */
  readonly total: number;
}

interface Stretch {
  readonly first: number;
  readonly last: number;
}

export interface Search {
  /** Fewer rows than `limit` only when there are no more. */
  search(request: SearchRequest, skewMs: number): readonly string[];
}

/** `broad`: those that fit, but too many to name. */
type Families = { readonly named: readonly Family[]; readonly broad: readonly Fit[] };
type Numbers = { readonly id: number; readonly deployments: number };

export function search(database: Database, maxKeys = MAX_KEYS, maxLookedAt = MAX_LOOKED_AT): Search {
  const deployments = table("deployments");
  const statements = new Map<string, Statement<Cell[], unknown>>();
  /** Prepared once; the texts are few. */
  function prepared<Row>(sql: string): Statement<Cell[], Row> {
    const known = statements.get(sql) ?? database.prepare<Cell[], unknown>(sql);
    statements.set(sql, known);
    return known as Statement<Cell[], Row>;
  }
  const pluck = (sql: string, ...cells: readonly Cell[]): number | null | undefined =>
    prepared<number | null>(sql)
      .pluck()
      .get(...cells) as number | null | undefined;

  /** The first by an index; min() and max() would look at all that fit. */
  const edge = (condition: string, order: string, cell: Cell) =>
    pluck(`SELECT seq FROM ${deployments} WHERE ${condition} ORDER BY ${order} LIMIT 1`, cell);

  const rowOf = database
    .prepare<[number], string>(
      `SELECT ${rowText(COLUMNS, ["d.rest"])}
       FROM ${deployments} d JOIN ${table("lanes")} l ON l.id = d.lane JOIN ${table("projects")} p ON p.id = l.project
         JOIN ${table("facets")} f ON f.id = d.facet JOIN ${table("models")} m ON m.id = d.model
         LEFT JOIN ${table("reasons")} r ON r.id = d.reason
       WHERE d.seq = ?`,
    )
    .pluck() as Statement<[number], string>;
  const byColumns = columns(database);
  const broadly = broadFits(database);
  const namedBefore = new Map<string, Family | undefined>();
  let remembered = "";
  /** What fits is remembered as long as there are no more deployments, in the same tables. */
  function forgetUnless(state: string): void {
    if (state === remembered && namedBefore.size < MAX_REMEMBERED) return;
    remembered = state;
    namedBefore.clear();
    broadly.forget();
  }
  const candidateAt = database.prepare<[number], Readonly<Record<Column, number | null>>>(
    `SELECT model, lane, facet, reason FROM ${deployments} WHERE seq = ?`,
  );
  const recordedAtOf = database
    .prepare<[number], string>(`SELECT recordedAt FROM ${deployments} WHERE seq = ?`)
    .pluck();

  function stretchOf({ from, to, after, descending }: SearchRequest, skewMs: number): Stretch | undefined {
    const last = pluck(`SELECT max(seq) FROM ${deployments}`);
    if (last == null) return undefined;
    forgetUnless(`${pluck("PRAGMA schema_version")} ${last}`);
    const firsts: (number | null | undefined)[] = [1];
    const lasts: (number | null | undefined)[] = [last];
    if (from !== undefined) firsts.push(edge("latestAt >= ?", "latestAt, seq", from));
    if (to !== undefined) {
      // A clock was behind the others by so much at most: whoever recorded before `to` did so when this was the latest.
      const latest = Date.parse(to) + skewMs;
      if (latest <= LAST_MS)
        lasts.push(edge("latestAt < ?", "latestAt DESC, seq DESC", new Date(latest).toISOString()));
    }
    if (after !== undefined) {
      if (descending) lasts.push(edge("position < ?", "position DESC", after));
      else firsts.push(edge("position > ?", "position", after));
    }
    const stretch = { first: 0, last: Number.MAX_SAFE_INTEGER };
    for (const first of firsts) {
      if (first == null) return undefined;
      stretch.first = Math.max(stretch.first, first);
    }
    for (const end of lasts) {
      if (end == null) return undefined;
      stretch.last = Math.min(stretch.last, end);
    }
    return stretch.first <= stretch.last ? stretch : undefined;
  }

  /** Undefined: too many to name. */
  function family(column: Family["column"], sql: string, cells: readonly Cell[]): Family | undefined {
    const key = JSON.stringify([sql, cells]);
    if (namedBefore.has(key)) return namedBefore.get(key);
    const found = prepared<Numbers>(`${sql} LIMIT ${maxKeys + 1}`).all(...cells);
    const ids = new Set(found.map(({ id }) => id));
    const total = found.reduce((sum, { deployments: count }) => sum + count, 0);
    const named = found.length > maxKeys ? undefined : { column, ids, total };
    namedBefore.set(key, named);
    return named;
  }

  function where(conditions: Readonly<Record<string, Cell | undefined>>): readonly [sql: string, cells: Cell[]] {
    const given = Object.entries(conditions).filter((entry): entry is [string, Cell] => entry[1] !== undefined);
    return [given.map(([column]) => `${column} = ?`).join(" AND ") || "TRUE", given.map(([, cell]) => cell)];
  }
  /** The same without an index: they are gone through by number. */
  const unindexed = (condition: string) => condition.replaceAll(/(\S+) = \?/g, "+$1 = ?");

  /** What must hold of a row's numbers, or undefined where nothing can. */
  function families(request: SearchRequest): Families | undefined {
    const { environment, actor, strategy, algorithm, modelId, artifactDigest: digest, reason } = request;
    let project: number | undefined;
    if (request.project !== undefined) {
      project = pluck(`SELECT id FROM ${table("projects")} WHERE name = ?`, request.project) ?? undefined;
      if (project === undefined) return undefined;
    }
    const named: Family[] = [];
    const broad: Fit[] = [];
    const models = table("models");
    if (modelId !== undefined || digest !== undefined) {
      const [condition, cells] = where({ modelId, digest, project });
      const found = family("model", `SELECT id, deployments FROM ${models} WHERE ${condition}`, cells);
      if (found) named.push(found);
      else broad.push(broadly.fit("model", "id", `SELECT id FROM ${models} WHERE ${unindexed(condition)}`, cells));
    }
    const facet = { "f.environment": environment, "f.actor": actor, "f.strategy": strategy, "f.algorithm": algorithm };
    const [condition, cells] = where({ "l.project": project, ...facet });
    if (cells.length > 0) {
      const [column, id, of] =
        project === undefined
          ? (["facet", "f", `${table("facets")} f`] as const)
          : (["lane", "l", `${table("lanes")} l JOIN ${table("facets")} f ON f.id = l.facet`] as const);
      const found = family(column, `SELECT ${id}.id, ${id}.deployments FROM ${of} WHERE ${condition}`, cells);
      const sql = `SELECT ${id}.id FROM ${of} WHERE ${unindexed(condition)}`;
      if (found) named.push(found);
      else broad.push(broadly.fit(column, `${id}.id`, sql, cells));
    }
    if (reason !== undefined) {
      const found = family("reason", ...reasonsWith(reason));
      const sql = `SELECT id FROM ${table("reasons")} WHERE instr(searchable, ?) > 0`;
      if (found) named.push(found);
      else broad.push(broadly.fit("reason", "id", sql, [reason]));
    }
    return { named, broad };
  }

  /** The index knows every three letters in a row; of fewer there are none to look up, and the first of many leave few. */
  function reasonsWith(reason: string): readonly [sql: string, cells: Cell[]] {
    const [reasons, index] = [table("reasons"), table("reasonIndex")];
    const letters = [...reason];
    if (letters.length < 3) return [`SELECT id, deployments FROM ${reasons} WHERE instr(searchable, ?) > 0`, [reason]];
    const threes = new Set(letters.slice(2, 2 + MAX_THREES).map((_, at) => letters.slice(at, at + 3).join("")));
    const match = [...threes].map((three) => `"${three.replaceAll('"', '""')}"`).join(" AND ");
    return [
      `SELECT r.id, r.deployments FROM ${index} i CROSS JOIN ${reasons} r ON r.id = i.rowid
       WHERE i.${index} MATCH ? AND instr(r.searchable, ?) > 0`,
      [match, reason],
    ];
  }

  function* byIndex({ column, ids }: Family, { first, last }: Stretch, descending: boolean): Iterable<number> {
    const order = `ORDER BY seq ${descending ? "DESC" : "ASC"}`;
    const sql = `SELECT seq FROM ${deployments} WHERE ${column} = ? AND seq BETWEEN ? AND ? ${order} LIMIT ?`;
    const page = prepared<number>(sql).pluck();
    const fetch = (id: number, from: number, to: number, limit: number) => page.all(id, from, to, limit) as number[];
    yield* merged([...ids], { first, last }, descending, fetch);
  }

  /** Every `seq` that fits, but for the time. */
  function* fitting({ named, broad }: Families, stretch: Stretch, descending: boolean): Iterable<number> {
    const [best, ...rest] = [...named].sort((a, b) => a.total - b.total);
    const others = [...rest.map(({ column, ids }) => namedFit(column, ids)), ...broad];
    if (best === undefined || (others.length > 0 && best.total > maxLookedAt)) {
      const fits = best === undefined ? others : [namedFit(best.column, best.ids), ...others];
      return yield* byColumns.scan(stretch.first, stretch.last, descending, fits);
    }
    for (const seq of byIndex(best, stretch, descending)) {
      const row = others.length === 0 ? undefined : candidateAt.get(seq);
      if (others.every(({ column, has }) => has(row?.[column] ?? 0))) yield seq;
    }
  }

  return {
    search(request, skewMs) {
      const { descending, limit, from, to } = request;
      const stretch = stretchOf(request, skewMs);
      const found = stretch && families(request);
      if (stretch === undefined || found === undefined || found.named.some(({ total }) => total === 0)) return [];
      const rows: string[] = [];
      for (const seq of fitting(found, stretch, descending)) {
        if (from !== undefined || to !== undefined) {
          const recordedAt = recordedAtOf.get(seq) ?? "";
          if ((from !== undefined && recordedAt < from) || (to !== undefined && recordedAt >= to)) continue;
        }
        const row = rowOf.get(seq);
        if (row !== undefined) rows.push(row);
        if (rows.length === limit) break;
      }
      return rows;
    },
  };
}
