import { refuseAborted } from "../errors.ts";
import { Rows } from "../ledger/rows.ts";
import type { HttpClient, Query } from "./http-client.ts";

const MAX_PAGE = 1_000;

interface Page<Row> {
  readonly items: readonly Row[];
  readonly next?: string;
}

/** A list that the service gives page by page, each as it is needed. */
export function rowsOf<SentRow, Row>(
  client: HttpClient,
  path: string,
  query: object,
  { limit, signal }: { readonly limit?: number | undefined; readonly signal?: AbortSignal | undefined },
  revive: (sent: SentRow) => Row,
): Rows<Row> {
  async function* pages(): AsyncGenerator<Row> {
    let left = limit ?? Number.POSITIVE_INFINITY;
    let cursor: string | undefined;
    do {
      const asked: Query = { ...(query as Query), limit: Math.min(left, MAX_PAGE) };
      const place = cursor === undefined ? {} : { cursor };
      const page = await client.json<Page<SentRow>>("GET", path, { query: { ...asked, ...place }, signal });
      for (const item of page.items) {
        refuseAborted(signal);
        yield revive(item);
      }
      left -= page.items.length;
      cursor = page.next;
    } while (cursor !== undefined && left > 0);
  }
  return new Rows(pages);
}
