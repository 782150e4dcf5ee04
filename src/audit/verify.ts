import { setImmediate } from "node:timers/promises";
import { LedgerError } from "../errors.ts";
import { streamOf } from "../events/names.ts";
import type { EventStore } from "../store/event-store.ts";
import { ChainCheck, type Link, type LoggedEvent } from "./chain-check.ts";
import { type Checked, CheckpointCheck } from "./checkpoint-check.ts";
import { verifierOf } from "./signed-note.ts";

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
  /** Whether the events begin with those that a checkpoint was signed over. */
  readonly checkpoint?: Checked;
}

/** What a checkpoint is checked with. */
export interface Against {
  /** A signed note. */
  readonly checkpoint?: string | undefined;
  /** Of the key that signed it, as text. */
  readonly publicKey?: string | undefined;
  /** Told now and then how many events have been verified. */
  readonly onProgress?: ((events: number) => void) | undefined;
}

interface Options extends Against {
  readonly project?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** After so many events others get their turn: some milliseconds' work. */
const TURN_EVENTS = 1_000;

/**
 * Recomputes the hash chain of one project or of all, in the order of the log, up to the first break.
 * @throws {LedgerError} PROJECT_NOT_FOUND; INVALID_INPUT for a public key that is none.
 */
export async function verifyChains(store: EventStore, { project, signal, ...against }: Options): Promise<Verification> {
  const options = signal ? { signal } : {};
  const events = project === undefined ? store.readAll(options) : store.readStream(streamOf(project), options);
  const verification = await verifyAgainst(events, against);
  if (verification.firstBroken && project === undefined) return inItsStream(store, verification, options);
  if (project !== undefined && verification.ok && verification.events === 0) {
    throw new LedgerError("PROJECT_NOT_FOUND", `there is no project "${project}"`, { project });
  }
  return verification;
}

/** Names the break as the stream tells it: in the log, the event that took another's place may come too early. */
export async function inItsStream(
  store: EventStore,
  verification: Verification,
  options: { readonly signal?: AbortSignal },
): Promise<Verification> {
  const stream = verification.firstBroken?.stream ?? "";
  const { firstBroken } = await checkAll(store.readStream(stream, options), { chain: new ChainCheck() });
  return firstBroken ? { ...verification, firstBroken } : verification;
}

/** Checks the chains in events, and that these begin as the checkpoint says if there is one. */
export async function verifyAgainst(
  events: AsyncIterable<LoggedEvent>,
  { checkpoint, publicKey, onProgress }: Against,
  chain = new ChainCheck(),
): Promise<Verification> {
  if (checkpoint === undefined || publicKey === undefined) return checkAll(events, { chain, onProgress });
  const check = new CheckpointCheck(checkpoint, verifierOf(publicKey));
  if (check.isRefused) return { ok: false, events: 0, streams: 0, checkpoint: check.result() };
  const onLink = (event: LoggedEvent, link: Link) => check.add(event, link);
  const verification = await checkAll(events, { chain, onProgress, onLink });
  // Where a chain is broken the tree ends too: the break says more than the checkpoint could.
  if (!verification.ok) return verification;
  const result = check.result();
  return { ...verification, ok: result.ok, checkpoint: result };
}

interface Sinks {
  readonly chain: ChainCheck;
  readonly onProgress?: ((events: number) => void) | undefined;
  readonly onLink?: (event: LoggedEvent, link: Link) => void;
}

/** Checks events in the order in which they come; `onLink` is told of each that follows. */
export async function checkAll(
  events: AsyncIterable<LoggedEvent>,
  { chain, onProgress, onLink }: Sinks,
): Promise<Verification> {
  const broken = (firstBroken: Broken) => ({ ok: false, events: chain.events, streams: chain.streams, firstBroken });
  try {
    for await (const event of events) {
      const link = chain.next(event);
      if ("why" in link) {
        const { stream, revision, line } = event;
        return broken({ stream, revision, why: link.why, ...(line !== undefined && { line }) });
      }
      onLink?.(event, link);
      if (chain.events % TURN_EVENTS === 0) {
        onProgress?.(chain.events);
        await setImmediate();
      }
    }
  } catch (error) {
    const stream = streamOfNoEvent(error);
    if (stream === undefined) throw error;
    return broken({ stream, revision: chain.revisionOf(stream) + 1n, why: (error as Error).message });
  }
  return { ok: true, events: chain.events, streams: chain.streams };
}

/** Where a store has something that cannot even be read as an event: its stream. */
function streamOfNoEvent(error: unknown): string | undefined {
  if (!(error instanceof LedgerError) || error.code !== "CORRUPT") return undefined;
  const { stream, row } = error.details;
  return typeof stream === "string" && row !== undefined ? stream : undefined;
}
