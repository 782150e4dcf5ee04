import { LedgerError } from "../errors.ts";
import { streamOf } from "../events/names.ts";
import { canonical, GENESIS_HASH, link } from "../ledger/hash-chain.ts";
import type { EventStore, StoredEvent } from "../store/event-store.ts";

/** The first event that breaks its stream's chain, and in what way. */
export interface Broken {
  readonly stream: string;
  readonly revision: bigint;
  readonly why: string;
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

const PROGRESS_EVERY = 1_000;

/** Recomputes the hash chain of one project or of all, in the order of the log, up to the first break. */
export async function verifyChains(store: EventStore, { project, signal, onProgress }: Options): Promise<Verification> {
  const options = signal ? { signal } : {};
  const events = project === undefined ? store.readAll(options) : store.readStream(streamOf(project), options);
  const heads = new Map<string, { readonly revision: bigint; readonly hash: string }>();
  let count = 0;
  for await (const event of events) {
    const head = heads.get(event.stream) ?? { revision: -1n, hash: GENESIS_HASH };
    const checked = check(event, head);
    if ("why" in checked) {
      const { stream, revision } = event;
      return { ok: false, events: count, streams: heads.size, firstBroken: { stream, revision, why: checked.why } };
    }
    heads.set(event.stream, { revision: event.revision, hash: checked.hash });
    count += 1;
    if (count % PROGRESS_EVERY === 0) onProgress?.(count);
  }
  if (project !== undefined && count === 0) {
    throw new LedgerError("PROJECT_NOT_FOUND", `there is no project "${project}"`, { project });
  }
  return { ok: true, events: count, streams: heads.size };
}

/** The event's hash if it follows from the one before, or why it does not. */
function check(
  { type, revision, data, metadata }: StoredEvent,
  head: { readonly revision: bigint; readonly hash: string },
): { readonly hash: string } | { readonly why: string } {
  if (revision !== head.revision + 1n) return { why: `revision ${head.revision + 1n} is missing before it` };
  try {
    const { hash: claimed, ...unsealed } = JSON.parse(metadata) as Readonly<Record<string, unknown>>;
    if (typeof claimed !== "string") return { why: "its metadata has no hash" };
    const computed = link(head.hash, type, canonical(JSON.parse(data)), canonical(unsealed));
    if (computed === claimed) return { hash: claimed };
    return { why: `its hash is ${claimed}, but its content and the event before it give ${computed}` };
  } catch {
    return { why: "its data or metadata is not JSON" };
  }
}
