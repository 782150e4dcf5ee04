import { projectOf, streamOf } from "../events/names.ts";
import { canonicalText, GENESIS_HASH, link, unsealed } from "../ledger/hash-chain.ts";

/** What the chain says of an event: all of it but its id and its place in the log. */
export interface ChainedEvent {
  readonly stream: string;
  readonly revision: bigint;
  /** In the log, where it is known. */
  readonly position?: string;
  readonly type: string;
  /** JSON text, as `metadata`. */
  readonly data: string;
  readonly metadata: string;
}

/** An event as the log or an export has it. */
export interface LoggedEvent extends ChainedEvent {
  readonly id: string;
  /** Of an export: 1 for the first. */
  readonly line?: number;
}

/** An event that follows: its canonical texts, metadata without the hash. */
export interface Link {
  readonly data: string;
  readonly metadata: string;
  readonly hash: string;
}

interface Head {
  readonly revision: bigint;
  readonly hash: string;
  readonly position: string;
}

const BEGINNING: Head = { revision: -1n, hash: GENESIS_HASH, position: "" };

/** Recomputes the chains of many streams at once, whose events come in the order of their streams. */
export class ChainCheck {
  readonly #heads = new Map<string, Head>();
  #events = 0;

  /** How many events followed, and of how many streams. */
  get events(): number {
    return this.#events;
  }

  get streams(): number {
    return this.#heads.size;
  }

  /** The revision of the stream's last event that followed, -1n before the first. */
  revisionOf(stream: string): bigint {
    return (this.#heads.get(stream) ?? BEGINNING).revision;
  }

  /** Every stream seen, with its last revision. */
  *heads(): Generator<readonly [stream: string, revision: bigint, hash: string]> {
    for (const [stream, { revision, hash }] of this.#heads) yield [stream, revision, hash];
  }

  /** The event's link if it follows from the one before in its stream, or why it does not. */
  next(event: ChainedEvent): Link | { readonly why: string } {
    const { stream, revision, type, position = "" } = event;
    const head = this.#heads.get(stream) ?? BEGINNING;
    if (revision !== head.revision + 1n) return { why: outOfOrder(revision, head) };
    if (position < head.position) return { why: "in the log it comes before the event that it follows" };
    try {
      const { metadata, hash: claimed } = unsealed(event.metadata);
      if (typeof claimed !== "string") return { why: "its metadata has no hash" };
      const data = canonicalText(event.data);
      const computed = link(head.hash, type, data, metadata);
      if (computed !== claimed) {
        return { why: `its hash is ${claimed}, but its content and the event before it give ${computed}` };
      }
      // The chain binds every later event to the first.
      if (revision === 0n && !isOfProject(data, stream)) return { why: "it is of another project than its stream" };
      this.#heads.set(stream, { revision, hash: computed, position });
      this.#events += 1;
      return { data, metadata, hash: computed };
    } catch {
      return { why: "its data or metadata is not JSON, or says a name twice" };
    }
  }
}

function outOfOrder(revision: bigint, head: Head): string {
  const next = head.revision + 1n;
  return revision > next ? `revision ${next} is missing before it` : `revision ${revision} stands there already`;
}

/** A whole stream under another name would keep its chain: its events say whose they are. */
function isOfProject(data: string, stream: string): boolean {
  const { project = projectOf(stream) } = JSON.parse(data) as { readonly project?: unknown };
  return typeof project === "string" && streamOf(project) === stream;
}
