import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { RecordedEvent } from "../events/events.ts";
import type { Runtime } from "../runtime.ts";
import { jsonOf } from "./json.ts";

/** What a client waits before it connects again, unless it knows better. */
const RETRY_MS = 1_000;
/** After so many heartbeats that could not be sent, the reader is taken for gone. */
const MAX_MISSED_HEARTBEATS = 8;

const frames = new WeakMap<RecordedEvent, Uint8Array>();

/** An event as it goes over the wire: made once, however many read it. */
export function frameOf(event: RecordedEvent): Uint8Array {
  const known = frames.get(event);
  if (known !== undefined) return known;
  const frame = Buffer.from(`event: ${event.type}\nid: ${event.position}\ndata: ${jsonOf(event)}\n\n`);
  frames.set(event, frame);
  return frame;
}

/** One reader of server-sent events. It sets the pace: nothing is read from the log while it has not taken what it got. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #onGone: () => void;
  readonly #holds: () => boolean | Promise<boolean>;
  readonly #gone = new AbortController();
  #missed = 0;

  /** `holds` is asked before each event; `onGone` is told when the reader has left. */
  constructor(
    response: ServerResponse,
    headers: Readonly<Record<string, string | number | string[] | undefined>>,
    holds: () => boolean | Promise<boolean>,
    onGone: () => void,
  ) {
    this.#response = response;
    this.#holds = holds;
    this.#onGone = onGone;
    response.once("close", () => {
      this.#gone.abort();
      this.#onGone();
    });
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

  /** `position`: where the stream begins, so that who is cut off before the first event misses none. */
  open(position: string | undefined): void {
    const id = position === undefined ? "" : `\nid: ${position}`;
    this.#response.write(`: connected\nretry: ${RETRY_MS}${id}\n\n`);
  }

  /** A promise, where there is no room for more, that resolves when there is. */
  write(frame: Uint8Array): Promise<unknown> | undefined {
    if (this.#response.write(frame) || this.#gone.signal.aborted) return undefined;
    return once(this.#response, "drain", { signal: this.#gone.signal }).catch(() => undefined);
  }

  /** Whether whoever reads may still do so; if not, the stream ends. At once where that is known. */
  isAllowed(): boolean | Promise<boolean> {
    const holds = this.#holds();
    return typeof holds === "boolean" ? this.#goesOn(holds) : holds.then((held) => this.#goesOn(held));
  }

  #goesOn(isAllowed: boolean): boolean {
    if (!isAllowed) this.end("unauthenticated");
    return isAllowed;
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
    this.#response.end(`event: end\ndata: ${JSON.stringify({ reason })}\n\n`);
  }
}

/** All that are open: they share one heartbeat. */
export class EventStreams {
  readonly #open = new Set<EventStream>();
  readonly #runtime: Runtime;
  readonly #heartbeatMs: number;
  #cancel: (() => void) | undefined;

  constructor(runtime: Runtime, heartbeatMs: number) {
    this.#runtime = runtime;
    this.#heartbeatMs = heartbeatMs;
  }

  get size(): number {
    return this.#open.size;
  }

  add(stream: EventStream): void {
    this.#open.add(stream);
    this.#cancel ??= this.#runtime.after(this.#heartbeatMs, () => this.#beat());
  }

  delete(stream: EventStream): void {
    this.#open.delete(stream);
    if (this.#open.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #beat(): void {
    for (const stream of this.#open) stream.heartbeat();
    this.#cancel = this.#runtime.after(this.#heartbeatMs, () => this.#beat());
  }
}
