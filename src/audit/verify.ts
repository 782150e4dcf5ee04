import { setImmediate } from "node:timers/promises";
import { LedgerError } from "../errors.ts";
import { streamOf } from "../events/names.ts";
import type { EventStore } from "../store/event-store.ts";
import { ChainCheck, type ChainedEvent } from "./chain-check.ts";

/** The first event that breaks its stream's chain, and in what way. */
export interface Broken {
  readonly stream: string;
  readonly revision: bigint;
  readonly why: string;
  /** Of an export: the line that it stands in, 1 for the first. */
  readonly line?: number;
}

export interface Verification {
  readonly ok: boolean;
  /** How many events were looked at, and of how many streams. */
  readonly events: number;
  readonly streams: number;
  readonly firstBroken?: Broken;
}

interface Options {
  readonly project?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many events have been verified. */
  readonly onProgress?: ((events: number) => void) | undefined;
}

/** After so many events others get their turn: some milliseconds' work. */
const TURN_EVENTS = 1_000;

/** Recomputes the hash chain of one project or of all, in the order of the log, up to the first break. */
export async function verifyChains(store: EventStore, { project, signal, onProgress }: Options): Promise<Verification> {
  const options = signal ? { signal } : {};
  const events = project === undefined ? store.readAll(options) : store.readStream(streamOf(project), options);
  const verification = await checkAll(events, onProgress);
  if (project !== undefined && verification.ok && verification.events === 0) {
    throw new LedgerError("PROJECT_NOT_FOUND", `there is no project "${project}"`, { project });
  }
  return verification;
}

/** Checks events in the order in which they come; `line` is there for those of an export. */
export async function checkAll(
  events: AsyncIterable<ChainedEvent & { readonly line?: number }>,
  onProgress?: (events: number) => void,
  chain = new ChainCheck(),
): Promise<Verification> {
  for await (const event of events) {
    const checked = chain.next(event);
    if ("why" in checked) {
      const { stream, revision, line } = event;
      const firstBroken = { stream, revision, why: checked.why, ...(line !== undefined && { line }) };
      return { ok: false, events: chain.events, streams: chain.streams, firstBroken };
    }
    if (chain.events % TURN_EVENTS === 0) {
      onProgress?.(chain.events);
      await setImmediate();
    }
  }
  return { ok: true, events: chain.events, streams: chain.streams };
}
