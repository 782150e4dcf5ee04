import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Caller } from "../access/scopes.ts";
import type { RecordedEvent } from "../events/events.ts";
import { jsonOf } from "./json.ts";
import { BEGINNING } from "./live-events.ts";

/** What a client waits before it connects again, unless it knows better. */
const RETRY_MS = 1_000;
/** After so many heartbeats that could not be sent, the reader is taken for gone. */
const MAX_MISSED_HEARTBEATS = 8;

/**
 * What may wait for a reader beside what the system holds. More than Node would have: what comes together is sent at the
 * end of the turn, and a burst would find every reader full.
 */
const MAX_WAITING_BYTES = 256 * 1024;

const frames = new WeakMap<RecordedEvent, Uint8Array>();

/** An event as it goes over the wire: made once, however many are told it. */
function frameOf(event: RecordedEvent): Uint8Array {
  const known = frames.get(event);
  if (known !== undefined) return known;
  const frame = Buffer.from(`event: ${event.type}\nid: ${event.position}\ndata: ${jsonOf(event)}\n\n`);
  frames.set(event, frame);
  return frame;
}

/** One reader of server-sent events. It sets the pace: nothing is read from the log while it has not taken what it got. */
export class EventStream {
  readonly caller: Caller;
  readonly #response: ServerResponse;
  readonly #over = new AbortController();
  #missed = 0;

  constructor(
    response: ServerResponse,
    headers: Readonly<Record<string, string | number | string[] | undefined>>,
    caller: Caller,
  ) {
    this.caller = caller;
    this.#response = response;
    response.once("close", () => this.#over.abort());
    if (response.destroyed) this.#over.abort(); // they left before this was made: there is no more "close"
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    // The stream ends with its connection: to put each event into a chunk would be a quarter of what sending it takes.
    response.removeHeader("transfer-encoding");
    response.writeHead(200, {
      connection: "close",
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no", // nginx would hold events back
    });
  }

  /** Aborts when the reader has left or was told the end: nothing may be written any more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * `position`: where the stream begins, so that who is cut off before the first event misses none. Beyond `head`, where
   * the log ends, it is said and not refused: what looks like another ledger's may be one that this node has yet to get to.
   */
  open(position: string, head: string): void {
    const where = head === BEGINNING ? "is empty" : `is at ${head}`;
    const note = position > head ? `\n: the log ${where}, and has not reached ${position}` : "";
    const id = position === BEGINNING ? "" : `\nid: ${position}`;
    this.#response.write(`: connected${note}\nretry: ${RETRY_MS}${id}\n\n`);
  }

  /** Whether there is room for more. */
  write(event: RecordedEvent): boolean {
    if (this.#response.writableEnded) return false;
    return this.#response.write(frameOf(event)) || this.#response.writableLength < MAX_WAITING_BYTES;
  }

  /** Resolves when there is room, or nobody left to wait for. */
  async drained(): Promise<void> {
    if (!this.#response.writableNeedDrain || this.over.aborted) return;
    await once(this.#response, "drain", { signal: this.over }).catch(() => undefined);
  }

  /** Whether whoever reads may still do so; if not, the stream ends. */
  async isAllowed(): Promise<boolean> {
    const holds = await this.caller.holds();
    if (!holds) this.end("unauthenticated");
    return holds;
  }

  heartbeat(): void {
    this.#checkAgain();
    if (this.#response.writableEnded) return;
    if (!this.#response.writableNeedDrain) {
      this.#missed = 0;
      this.#response.write(": heartbeat\n\n");
      return;
    }
    this.#missed += 1;
    if (this.#missed >= MAX_MISSED_HEARTBEATS) this.#response.destroy();
  }

  async #checkAgain(): Promise<void> {
    try {
      await this.isAllowed();
    } catch {} // a store that is away says nothing of the token
  }

  /** Says that it was ended on purpose, and why. */
  end(reason: "draining" | "closed" | "failed" | "unauthenticated"): void {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    this.#over.abort();
    this.#response.end(`event: end\ndata: ${JSON.stringify({ reason })}\n\n`);
  }
}
