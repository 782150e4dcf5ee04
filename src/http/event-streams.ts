import type { RecordedEvent } from "../events/events.ts";
import { eventsAfter, LiveEvents } from "./live-events.ts";
import type { HttpService } from "./service.ts";
import type { EventStream } from "./sse.ts";

/** What one stream is about. */
export interface Reading {
  /** The position after which it begins. */
  readonly after: string;
  /** Of other projects nothing is read from the log. */
  readonly project: string | undefined;
  isWanted(event: RecordedEvent): boolean;
}

/** All streams that are open: they share one heartbeat, and one reading of what is recorded now. */
export class EventStreams {
  readonly #open = new Set<EventStream>();
  readonly #service: Pick<HttpService, "ledger" | "runtime" | "draining">;
  readonly #heartbeatMs: number;
  #cancel: (() => void) | undefined;
  #live: LiveEvents | undefined;

  constructor(service: Pick<HttpService, "ledger" | "runtime" | "draining">, heartbeatMs: number) {
    this.#service = service;
    this.#heartbeatMs = heartbeatMs;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Sends what the stream is about until its reader leaves or may read no more, the service drains or the ledger closes.
   * @param head the position of the last event, as just asked for
   * @throws what reading the log throws
   */
  async send(stream: EventStream, reading: Reading, head: string): Promise<void> {
    const ended = AbortSignal.any([stream.over, this.#service.draining]);
    const { caller } = stream;
    const listener = { caller, isWanted: reading.isWanted, write: (event: RecordedEvent) => stream.write(event) };
    this.#add(stream, head);
    try {
      for (let at: string | undefined = reading.after; at !== undefined && !ended.aborted; ) {
        at = this.#live?.reaches(at)
          ? await this.#live.tell(listener, at, ended)
          : await this.#readLog(stream, { ...reading, after: at }, ended);
        await stream.drained();
      }
    } finally {
      this.#delete(stream);
    }
  }

  /** Sends from the log, up to the position that the live events go on from; undefined: it is over. */
  async #readLog(
    stream: EventStream,
    { after, project, isWanted }: Reading,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    for await (const event of eventsAfter(after, this.#service.ledger(), { project, signal })) {
      if (isWanted(event)) {
        if (!(await stream.isAllowed())) return undefined;
        if (!stream.write(event)) await stream.drained();
      }
      if (signal.aborted || this.#live?.reaches(event.position)) return event.position;
    }
    return undefined;
  }

  #add(stream: EventStream, head: string): void {
    this.#open.add(stream);
    this.#cancel ??= this.#service.runtime.after(this.#heartbeatMs, () => this.#beat());
    if (!this.#live || this.#live.isOver) this.#live = new LiveEvents(this.#service.ledger(), head);
  }

  #delete(stream: EventStream): void {
    this.#open.delete(stream);
    if (this.#open.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#live?.stop();
    this.#live = undefined;
  }

  #beat(): void {
    for (const stream of this.#open) stream.heartbeat();
    this.#cancel = this.#service.runtime.after(this.#heartbeatMs, () => this.#beat());
  }
}
