import { hash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { LedgerError } from "../errors.ts";
import { partsOf } from "./target.ts";

/** A page of a list. `next` is there while there may be more: it goes back as `cursor`. */
export interface Page<Row> {
  readonly items: readonly Row[];
  readonly next?: string;
}

/** Neither how much of a list is asked for nor how fresh makes another list of it. */
const OF_A_PAGE = ["limit", "cursor", "min_position"];

/** The list that is asked for: which, and by which filters. */
function listOf({ url, params, routeOptions }: FastifyRequest): string {
  const filters = new URLSearchParams(partsOf(url).query);
  for (const name of OF_A_PAGE) filters.delete(name);
  filters.sort();
  return JSON.stringify([routeOptions.url, params, filters.toString()]);
}

/** Opaque to clients: after what to go on, sealed with the list that it belongs to. */
export function cursorAfter(request: FastifyRequest, after: string | number): string {
  const seal = hash("sha256", JSON.stringify([listOf(request), after]), "base64url").slice(0, 16);
  return Buffer.from(JSON.stringify([after, seal])).toString("base64url");
}

/**
 * What the cursor says to go on after.
 * @throws {LedgerError} INVALID_INPUT for what no page of this very list, by the same filters, has answered.
 */
export function afterOf(request: FastifyRequest, cursor: string | undefined): string | number | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [after] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as [unknown];
    if ((typeof after === "string" || typeof after === "number") && cursorAfter(request, after) === cursor)
      return after;
  } catch {} // no JSON: said below
  const message = 'must be the "next" of an earlier page of this list, with the same filters';
  throw new LedgerError("INVALID_INPUT", `invalid query: cursor: ${message}`, {
    issues: [{ path: "cursor", message }],
  });
}

/**
 * The page of a list that is at hand whole. It goes on after the row that the cursor names, wherever that stands by now,
 * so that what came in between moves nothing out of sight; where the row is gone, at its old place.
 */
export function pageIn<Row>(
  request: FastifyRequest,
  rows: readonly Row[],
  { limit, cursor }: { readonly limit: number; readonly cursor: string | undefined },
  keyOf: (row: Row) => number,
): Page<Row> {
  const [key, place] = String(afterOf(request, cursor) ?? "0:0")
    .split(":")
    .map(Number);
  const known = rows.findIndex((row) => keyOf(row) === key) + 1;
  const from = known > 0 ? known : (place ?? 0);
  const items = rows.slice(from, from + limit);
  const last = items.at(-1);
  if (last === undefined || rows.length <= from + limit) return { items };
  return { items, next: cursorAfter(request, `${keyOf(last)}:${from + limit}`) };
}

/** A page ends before its limit once its rows hold so much text: a single reason may be as large as a body. */
const MAX_PAGE_LENGTH = 4 * 1_048_576;

/** Takes `limit` rows at most, and looks at one more to know whether there is a next page. */
export async function pageOf<Row>(
  rows: AsyncIterable<Row>,
  limit: number,
  cursorOf: (row: Row, index: number) => string,
): Promise<Page<Row>> {
  const items: Row[] = [];
  let length = 0;
  for await (const row of rows) {
    const last = items.at(-1);
    if (last !== undefined && (items.length === limit || length >= MAX_PAGE_LENGTH)) {
      return { items, next: cursorOf(last, items.length - 1) };
    }
    items.push(row);
    length += lengthOf(row);
  }
  return { items };
}

/** Of all text in it. */
function lengthOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + lengthOf(part), 0);
}

/** Says where the next page is in a header as well (RFC 8288), for clients that follow links. */
export function linkNext(request: FastifyRequest, reply: FastifyReply, page: Page<unknown>): void {
  if (page.next === undefined) return;
  const { path, query } = partsOf(request.url);
  const parameters = new URLSearchParams(query);
  parameters.set("cursor", page.next);
  reply.header("link", `<${path}?${parameters}>; rel="next"`);
}
