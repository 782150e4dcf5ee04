import type { Database, Statement } from "better-sqlite3";
import { merged } from "./merge.ts";
import { table } from "./schema.ts";
import type { Cell, SearchRequest } from "./wire.ts";

/** More numbers than this are not merged: with so many the rows that fit lie close together. */
const MAX_KEYS = 2_000;

/** A column of numbers, and those of them that fit: every row that fits has one of them. */
interface Family {
  readonly column: "model" | "lane" | "facet" | "reason";
  readonly ids: ReadonlySet<number>;
  /** How many deployments have one of them. */
  readonly total: number;
}

/** What is looked at to decide on a row. */
export interface Candidate {
  readonly seq: number;
  readonly model: number;
  readonly lane: number;
  readonly facet: number;
  readonly reason: number | null;
  readonly recordedAt: string;
}

interface Stretch {
  readonly first: number;
  readonly last: number;
}

export interface Search {
  /** Rows as flat cells; fewer than `limit` only when there are no more. */
  search(request: SearchRequest, skewMs: number): readonly Cell[];
}

type Numbers = { readonly id: number; readonly deployments: number };

export function search(database: Database, maxKeys = MAX_KEYS): Search {
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
    .prepare<[number], Cell[]>(
      `SELECT d.position, p.name, f.environment, d.number, d.deploymentId, m.modelId, m.version, f.algorithm, f.strategy,
         f.actor, r.text, d.deployedAt, d.recordedAt, d.revision, d.rest
       FROM ${deployments} d JOIN ${table("lanes")} l ON l.id = d.lane JOIN ${table("projects")} p ON p.id = l.project
         JOIN ${table("facets")} f ON f.id = d.facet JOIN ${table("models")} m ON m.id = d.model
         LEFT JOIN ${table("reasons")} r ON r.id = d.reason
       WHERE d.seq = ?`,
    )
    .raw() as Statement<[number], Cell[]>;
  const candidateAt = database.prepare<[number], Candidate>(
    `SELECT seq, model, lane, facet, reason, recordedAt FROM ${deployments} WHERE seq = ?`,
  );

  function stretchOf({ from, to, after, descending }: SearchRequest, skewMs: number): Stretch | undefined {
    const last = pluck(`SELECT max(seq) FROM ${deployments}`);
    if (last == null) return undefined;
    const firsts: (number | null | undefined)[] = [1];
    const lasts: (number | null | undefined)[] = [last];
    if (from !== undefined) firsts.push(edge("latestAt >= ?", "latestAt, seq", from));
    if (to !== undefined) {
      // A clock was behind the others by so much at most: whoever recorded before `to` did so when this was the latest.
      const latest = new Date(Date.parse(to) + skewMs).toISOString();
      lasts.push(edge("latestAt < ?", "latestAt DESC, seq DESC", latest));
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
    const found = prepared<Numbers>(`${sql} LIMIT ${maxKeys + 1}`).all(...cells);
    if (found.length > maxKeys) return undefined;
    return {
      column,
      ids: new Set(found.map(({ id }) => id)),
      total: found.reduce((sum, { deployments: count }) => sum + count, 0),
    };
  }

  function where(conditions: Readonly<Record<string, Cell | undefined>>): readonly [sql: string, cells: Cell[]] {
    const given = Object.entries(conditions).filter((entry): entry is [string, Cell] => entry[1] !== undefined);
    return [given.map(([column]) => `${column} = ?`).join(" AND ") || "TRUE", given.map(([, cell]) => cell)];
  }

  /** What must hold of a row's numbers, or undefined where nothing can. */
  function families(request: SearchRequest): { readonly named: Family[]; readonly tests: Test[] } | undefined {
    const { environment, actor, strategy, algorithm, modelId, artifactDigest: digest, reason } = request;
    let project: number | undefined;
    if (request.project !== undefined) {
      project = pluck(`SELECT id FROM ${table("projects")} WHERE name = ?`, request.project) ?? undefined;
      if (project === undefined) return undefined;
    }
    const named: (Family | undefined)[] = [];
    const tests: Test[] = [];
    if (modelId !== undefined || digest !== undefined) {
      const [condition, cells] = where({ modelId, digest, project });
      const found = family("model", `SELECT id, deployments FROM ${table("models")} WHERE ${condition}`, cells);
      named.push(found);
      if (found === undefined) tests.push(fits(condition, cells));
    }
    const facet = where({
      "f.environment": environment,
      "f.actor": actor,
      "f.strategy": strategy,
      "f.algorithm": algorithm,
    });
    if (project !== undefined || facet[1].length > 0) {
      const [condition, cells] = facet;
      const sql =
        project === undefined
          ? `SELECT id, deployments FROM ${table("facets")} f WHERE ${condition}`
          : `SELECT l.id, l.deployments FROM ${table("lanes")} l JOIN ${table("facets")} f ON f.id = l.facet
             WHERE l.project = ? AND ${condition}`;
      const found = family(
        project === undefined ? "facet" : "lane",
        sql,
        project === undefined ? cells : [project, ...cells],
      );
      named.push(found);
      if (found === undefined) {
        const holds = prepared<1>(
          `SELECT 1 FROM ${table("lanes")} l JOIN ${table("facets")} f ON f.id = l.facet
           WHERE l.id = ? AND ${project === undefined ? "TRUE" : "l.project = ?"} AND ${condition}`,
        );
        const given = project === undefined ? cells : [project, ...cells];
        tests.push(({ lane }) => holds.get(lane, ...given) !== undefined);
      }
    }
    if (reason !== undefined) {
      const [sql, cells] = reasonsWith(reason);
      const found = family("reason", sql, cells);
      named.push(found);
      if (found === undefined) {
        const contains = prepared<1>(`SELECT 1 FROM ${table("reasons")} WHERE id = ? AND instr(searchable, ?) > 0`);
        tests.push((row) => row.reason !== null && contains.get(row.reason, reason) !== undefined);
      }
    }
    return { named: named.filter((one) => one !== undefined), tests };
  }

  function fits(condition: string, cells: readonly Cell[]): Test {
    const holds = prepared<1>(`SELECT 1 FROM ${table("models")} WHERE id = ? AND ${condition}`);
    return ({ model }) => holds.get(model, ...cells) !== undefined;
  }

  /** The index knows every three letters in a row; of fewer there are none to look up. */
  function reasonsWith(reason: string): readonly [sql: string, cells: Cell[]] {
    const [reasons, index] = [table("reasons"), table("reasonIndex")];
    const letters = [...reason];
    if (letters.length < 3) return [`SELECT id, deployments FROM ${reasons} WHERE instr(searchable, ?) > 0`, [reason]];
    const threes = new Set(letters.slice(2).map((_, at) => letters.slice(at, at + 3).join("")));
    const match = [...threes].map((three) => `"${three.replaceAll('"', '""')}"`).join(" AND ");
    return [
      `SELECT r.id, r.deployments FROM ${index} i CROSS JOIN ${reasons} r ON r.id = i.rowid
       WHERE i.${index} MATCH ? AND instr(r.searchable, ?) > 0`,
      [match, reason],
    ];
  }

  function* candidates(family: Family | undefined, { first, last }: Stretch, descending: boolean): Iterable<Candidate> {
    const order = `ORDER BY seq ${descending ? "DESC" : "ASC"}`;
    const columns = "seq, model, lane, facet, reason, recordedAt";
    const [only, ...others] = family?.ids ?? [];
    if (family === undefined) {
      const sql = `SELECT ${columns} FROM ${deployments} WHERE seq BETWEEN ? AND ? ${order}`;
      yield* prepared<Candidate>(sql).iterate(first, last);
    } else if (only !== undefined && others.length === 0) {
      const sql = `SELECT ${columns} FROM ${deployments} WHERE ${family.column} = ? AND seq BETWEEN ? AND ? ${order}`;
      yield* prepared<Candidate>(sql).iterate(only, first, last);
    } else {
      const sql = `SELECT seq FROM ${deployments} WHERE ${family.column} = ? AND seq BETWEEN ? AND ? ${order} LIMIT ?`;
      const page = prepared<number>(sql).pluck();
      const fetch = (id: number, from: number, to: number, limit: number) => page.all(id, from, to, limit) as number[];
      for (const seq of merged([...family.ids], { first, last }, descending, fetch)) {
        const candidate = candidateAt.get(seq);
        if (candidate) yield candidate;
      }
    }
  }

  return {
    search(request, skewMs) {
      const { descending, limit, from, to } = request;
      const stretch = stretchOf(request, skewMs);
      const found = stretch && families(request);
      if (stretch === undefined || found === undefined) return [];
      const { named, tests } = found;
      const [best, ...rest] = named.sort((a, b) => a.total - b.total);
      if (best?.total === 0) return [];
      const cells: Cell[] = [];
      let left = limit;
      for (const row of candidates(best, stretch, descending)) {
        if (from !== undefined && row.recordedAt < from) continue;
        if (to !== undefined && row.recordedAt >= to) continue;
        if (!rest.every(({ column, ids }) => ids.has(row[column] ?? -1))) continue;
        if (!tests.every((test) => test(row))) continue;
        cells.push(...(rowOf.get(row.seq) ?? []));
        left -= 1;
        if (left === 0) break;
      }
      return cells;
    },
  };
}

type Test = (row: Candidate) => boolean;
