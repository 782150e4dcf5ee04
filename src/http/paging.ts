import type { FastifyReply, FastifyRequest } from "fastify";
import { LedgerError } from "../errors.ts";

/** A page of a list. `next` is there while there may be more: it goes back as `cursor`. */
export interface Page<Row> {
  readonly items: readonly Row[];
  readonly next?: string;
}

/** Opaque to clients: which list it belongs to, and after what to go on. */
export function cursorAfter(list: string, after: string | number): string {
  return Buffer.from(JSON.stringify([list, after])).toString("base64url");
}

/**
 * What a cursor of this list says to go on after.
 * @throws {LedgerError} INVALID_INPUT for what no page of this list has answered.
 */
export function afterOf(list: string, cursor: string | undefined): string | number | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [of, after] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as [unknown, unknown];
    if (of === list && (typeof after === "string" || (Number.isSafeInteger(after) && Number(after) >= 0))) {
      return after as string | number;
    }
  } catch {} // no JSON: said below
  const message = `must be the "next" of an earlier page of ${list}`;
  throw new LedgerError("INVALID_INPUT", `invalid query: cursor: ${message}`, {
    issues: [{ path: "cursor", message }],
  });
}

/** Takes `limit` rows, and looks at one more to know whether there is a next page. */
export async function pageOf<Row>(
  rows: AsyncIterable<Row>,
  limit: number,
  cursorOf: (row: Row, index: number) => string,
): Promise<Page<Row>> {
  const items: Row[] = [];
  for await (const row of rows) {
    if (items.length === limit) {
      const last = items.at(-1);
      return last === undefined ? { items } : { items, next: cursorOf(last, limit - 1) };
    }
    items.push(row);
  }
  return { items };
}

/** Says where the next page is in a header as well (RFC 8288), for clients that follow links. */
export function linkNext(request: FastifyRequest, reply: FastifyReply, page: Page<unknown>): void {
  if (page.next === undefined) return;
  const [path = "", query = ""] = request.url.split("?", 2);
  const parameters = new URLSearchParams(query);
  parameters.delete("after");
  parameters.set("cursor", page.next);
  reply.header("link", `<${path}?${parameters}>; rel="next"`);
}
