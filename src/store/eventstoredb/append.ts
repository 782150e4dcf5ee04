import { validate } from "uuid";
import { LedgerError } from "../../errors.ts";
import { pause, type Runtime } from "../../runtime.ts";
import { checkAppend, repeatOrConflict, revisionInWords, type TakenId } from "../append-rules.ts";
import type { Appended, ExpectedRevision, NewEvent } from "../event-store.ts";
import { type AppendStream, appendRequest } from "./append-stream.ts";
import type { StreamNames } from "./names.ts";
import type { EventStoreDbReader } from "./reader.ts";
import { recentIds } from "./recent-ids.ts";
import { patience, pauseMs } from "./retry.ts";

interface Parts {
  readonly address: string;
  readonly deadlineMs: number;
  readonly runtime: Runtime;
  readonly names: StreamNames;
  readonly appends: AppendStream;
  readonly reader: EventStoreDbReader;
  readonly closing: AbortSignal;
}

interface Intent {
  readonly stream: string;
  readonly ids: readonly string[];
  readonly expected: ExpectedRevision;
}

/**
 * Appends, and finds out what became of an append that was not answered: by reading the stream from where its events
 * would stand. They are there: it was written. Nothing is there: the same append is sent again, which the server takes
 * for one and the same (it compares ids, not content, and only under an expected revision). Others are there: CONFLICT.
 */
export function appender({ address, deadlineMs, runtime, names, appends, reader, closing }: Parts) {
  const recent = recentIds();

  function check(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): void {
    checkAppend(stream, events, expected);
    names.onServer(stream);
    for (const { id, type } of events) {
      if (!validate(id) || id !== id.toLowerCase() || /^[0-]*$/.test(id)) {
        throw invalid(`an event's id is a UUID in lower case in this store, not "${id}"`);
      }
      if (type.startsWith("$"))
        throw invalid(`an event's type must not begin with $, as those of the server do: "${type}"`);
    }
  }

  /** @throws {LedgerError} CONFLICT unless the stream holds just these events there. */
  async function firstResult(intent: Intent, actual: ExpectedRevision | undefined): Promise<Appended> {
    const { stream, expected, ids } = intent;
    const from = expected === "no_stream" ? 0n : expected + 1n;
    const found = new Map((await reader.stretch(stream, from, ids.length)).map((event) => [event.id, event]));
    const find = (id: string): TakenId | undefined => found.get(id) ?? recent.find(id);
    return repeatOrConflict(intent, actual ?? (await lastRevision(stream)), find);
  }

  async function lastRevision(stream: string): Promise<ExpectedRevision> {
    return revisionInWords(await reader.lastRevision(stream));
  }

  /** The server refuses an append for another that it is still writing: nobody could read yet what was written first. */
  async function isReadable(stream: string, actual: ExpectedRevision): Promise<boolean> {
    return actual === "no_stream" || (await reader.lastRevision(stream)) >= actual;
  }

  /** What became of an append without an answer; `undefined`: nothing, so far. */
  async function outcome(intent: Intent): Promise<Appended | undefined> {
    const { stream, expected } = intent;
    const actual = await lastRevision(stream);
    const isBehind = expected !== "no_stream" && (actual === "no_stream" || actual < expected);
    return actual === expected || isBehind ? undefined : firstResult(intent, actual);
  }

  async function send(intent: Intent, events: readonly NewEvent[]): Promise<Appended> {
    const request = appendRequest(
      names.onServer(intent.stream),
      events.map((event) => ({ ...event, isJson: true })),
      intent.expected,
    );
    const { hasTime, end } = patience(deadlineMs, runtime);
    try {
      for (let failures = 0; ; failures++) {
        const answer = await appends.submit(request);
        if (answer.kind === "written") return answer.appended;
        if (answer.kind === "stale") {
          const isSettled = (await isReadable(intent.stream, answer.actual)) || !hasTime() || closing.aborted;
          if (isSettled) return await firstResult(intent, answer.actual);
        } else if (answer.kind === "refused") {
          throw new LedgerError(answer.code, `the EventStoreDB at ${address}: ${answer.why}`, {
            address,
            stream: intent.stream,
          });
        } else {
          const found = await outcome(intent).catch((error: unknown) => {
            if (error instanceof LedgerError && error.code === "CONFLICT") throw error;
            throw notKnown(intent, address, error);
          });
          if (found) return found;
          if (!hasTime() || closing.aborted) throw notKnown(intent, address, answer.error);
        }
        await pause(pauseMs(failures, runtime), runtime, closing);
      }
    } finally {
      end();
    }
  }

  return {
    check,
    async append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<Appended> {
      const intent = { stream, ids: events.map(({ id }) => id), expected };
      if (intent.ids.some(recent.find)) {
        return repeatOrConflict(intent, await lastRevision(stream), recent.find);
      }
      const appended = await send(intent, events);
      recent.remember(stream, intent.ids, appended);
      return appended;
    },
  };
}

const invalid = (message: string): LedgerError => new LedgerError("INVALID_INPUT", message);

function notKnown({ stream, expected }: Intent, address: string, cause: unknown): LedgerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LedgerError(
    "STORE_UNAVAILABLE",
    `the EventStoreDB at ${address} did not say whether an append to "${stream}" was written, and could not be asked (${why}); the same append may be repeated`,
    { address, stream, expected: String(expected) },
    { cause },
  );
}
