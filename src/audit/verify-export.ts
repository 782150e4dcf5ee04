import { LedgerError } from "../errors.ts";
import { ChainCheck } from "./chain-check.ts";
import { exportedEvents } from "./export.ts";
import { type Against, type Verification, verifyAgainst } from "./verify.ts";

/**
 * Recomputes every chain in the lines of an export, without the ledger, up to the first event that breaks one. A line
 * that is no event at all is told with an empty stream and the revision -1. What was cut off at the end, and projects
 * that were left out, only a checkpoint shows: give it with the public key that it was signed for.
 * @throws {LedgerError} INVALID_INPUT for a public key that is none.
 */
export async function verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  options: Against = {},
): Promise<Verification> {
  const chain = new ChainCheck();
  try {
    return await verifyAgainst(exportedEvents(lines), options, chain);
  } catch (error) {
    const { line, stream, revision, why } = error instanceof LedgerError ? error.details : {};
    if (typeof line !== "number") throw error;
    const place = { stream: String(stream ?? ""), revision: BigInt(String(revision ?? -1)) };
    const { events, streams } = chain;
    return { ok: false, events, streams, firstBroken: { ...place, why: String(why), line } };
  }
}
