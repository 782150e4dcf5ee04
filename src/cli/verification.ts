import { LedgerError } from "../errors.ts";
import type { Verification } from "../index.ts";
import type { Session } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { printable } from "./output.ts";

/** How commands that verify end: what `verify` found, and what those that sign or prove found on their way. */

export const inEvents = (count: number): string => `${count} event${count === 1 ? "" : "s"}`;
export const inProjects = (count: number): string => `${count} project${count === 1 ? "" : "s"}`;

export function report({ out }: Session, result: Verification): number | undefined {
  const { events, streams, checkpoint } = result;
  const failure = failureIn(result);
  if (failure === undefined || out.style.json) {
    const begins = checkpoint ? `, and they begin with the ${checkpoint.size} that ${checkpoint.origin} signed` : "";
    const verified = `${inEvents(events)} of ${inProjects(streams)} verified`;
    out.result(result, events, () => out.say(`${verified}: every hash follows from the one before${begins}`));
  } else out.stderr.write(`model-ledger: verification failed ${printable(failure)}\n`);
  return result.ok ? undefined : EXIT.verificationFailed;
}

function failureIn({ firstBroken, checkpoint, ok }: Verification): string | undefined {
  if (ok) return undefined;
  if (firstBroken === undefined) return `against the checkpoint: ${checkpoint?.why}. Keep both as they are`;
  const { line, stream, revision, why } = firstBroken;
  const event = stream === "" ? "" : `event ${revision} of ${stream}`;
  const place = line === undefined ? event : [`line ${line}`, event].filter(Boolean).join(", ");
  const next = `Keep the ${line === undefined ? "ledger" : "export"} as it is and compare it with a backup`;
  return `at ${place}: ${why}. ${next}`;
}

/** Does what needs a whole log. One that is broken is reported as `verify` reports it, instead of the result. */
export async function onWholeLog<Result>(
  session: Session,
  act: () => Promise<Result>,
  hand: (result: Result) => Promise<undefined> | undefined,
): Promise<number | undefined> {
  let result: Result;
  try {
    result = await act();
  } catch (error) {
    if (!(error instanceof LedgerError && error.code === "CORRUPT")) throw error;
    const { stream, revision, why, size } = error.details;
    if (typeof why !== "string") throw error;
    const looked = { ok: false, events: 0, streams: 0 };
    if (typeof stream !== "string")
      return report(session, { ...looked, checkpoint: { ok: false, size: Number(size), why } });
    return report(session, { ...looked, firstBroken: { stream, revision: BigInt(String(revision)), why } });
  }
  return hand(result);
}
