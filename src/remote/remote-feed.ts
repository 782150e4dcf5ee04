import { createParser } from "eventsource-parser";
import { LedgerError } from "../errors.ts";
import type { RecordedEvent } from "../events/events.ts";
import { parseJson } from "../events/parse-json.ts";
import type { Runtime } from "../runtime.ts";
import type { HttpClient, Query } from "./http-client.ts";
import { type Sent, withRevision } from "./revive.ts";

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;
/** The service sends a heartbeat every 15 seconds; without three of them the connection is taken for dead. */
const MAX_SILENCE_MS = 45_000;

export interface FeedOptions {
  readonly from: string;
  readonly project?: string | undefined;
  readonly types?: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** Told whenever anything is heard from the service. */
  readonly onHeard?: () => void;
  /** Told when the connection is lost; it is made again. */
  readonly onLost?: (error: unknown) => void;
}

/** Events over HTTP: in order, no gap, no repeat, across reconnects. In place once `begin` has resolved. */
export class RemoteFeed {
  readonly #client: HttpClient;
  readonly #runtime: Runtime;
  readonly #options: FeedOptions;
  /** Of the last event given, or where the feed begins. */
  #position: string;
  #connection: Promise<Connection> | undefined;

  constructor(client: HttpClient, runtime: Runtime, options: FeedOptions) {
    this.#client = client;
    this.#runtime = runtime;
    this.#options = options;
    this.#position = options.from;
  }

  /** The position from which on nothing is missed; "start" where the log is empty. */
  async begin(): Promise<string> {
    this.#connection ??= this.#connect();
    await this.#connection;
    return this.#position;
  }

  async *events(): AsyncGenerator<RecordedEvent> {
    const { signal, onLost } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      try {
        this.#connection ??= this.#connect();
        for await (const event of (await this.#connection).events()) {
          this.#position = event.position;
          failures = 0;
          yield event;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isPassing(error)) throw error;
        onLost?.(error);
      }
      this.#connection = undefined;
      if (!signal.aborted) await this.#pause(failures++);
    }
  }

  async #connect(): Promise<Connection> {
    const { project, types, signal } = this.#options;
    const position = this.#position;
    const isResumed = position !== "start" && position !== "end";
    const query: Query = { project, type: types, ...(!isResumed && { from: position }) };
    const connection = new Connection(this.#runtime, signal, this.#options.onHeard);
    const response = await this.#client.send("GET", "/v1/events", {
      query,
      headers: { accept: "text/event-stream", ...(isResumed && { "last-event-id": position }) },
      signal: connection.signal,
    });
    // Where "end" was, the service says: what is recorded from then on must not be missed by a reconnect.
    if (!isResumed) this.#position = response.headers.get("last-event-id") ?? "start";
    connection.open(response);
    return connection;
  }

  #pause(failures: number): Promise<unknown> {
    const { signal } = this.#options;
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures) * (0.5 + this.#runtime.random() / 2);
    const ended = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    return Promise.race([this.#runtime.sleep(pauseMs), ended]);
  }
}

/** Whether what failed may not fail again. */
export const isPassing = (error: unknown): boolean =>
  !(error instanceof LedgerError) || error.code === "STORE_UNAVAILABLE" || error.code === "RATE_LIMITED";

/** One answer of the service, until it ends. */
class Connection {
  readonly #runtime: Runtime;
  readonly #silence = new AbortController();
  readonly #onHeard: (() => void) | undefined;
  readonly signal: AbortSignal;
  #response: Response | undefined;
  #cancel: (() => void) | undefined;

  constructor(runtime: Runtime, ended: AbortSignal, onHeard: (() => void) | undefined) {
    this.#runtime = runtime;
    this.#onHeard = onHeard;
    this.signal = AbortSignal.any([ended, this.#silence.signal]);
  }

  open(response: Response): void {
    this.#response = response;
    this.#heard();
  }

  /** Ends when the service ended the answer, throws where the connection broke. */
  async *events(): AsyncGenerator<RecordedEvent> {
    const ready: RecordedEvent[] = [];
    let reason: string | undefined;
    const parser = createParser({
      onEvent({ event, data }) {
        if (event === "end") reason = (JSON.parse(data) as { readonly reason: string }).reason;
        else ready.push(withRevision<RecordedEvent>(parseJson(data) as Sent<RecordedEvent>));
      },
    });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.#response?.body ?? []) {
        this.#heard();
        parser.feed(decoder.decode(chunk, { stream: true }));
        yield* ready.splice(0);
      }
    } catch (cause) {
      throw new LedgerError("STORE_UNAVAILABLE", "the stream of events broke off", {}, { cause });
    } finally {
      this.#cancel?.();
      this.#silence.abort();
    }
    if (reason === "unauthenticated") {
      throw new LedgerError("UNAUTHENTICATED", "the token was revoked or has expired: the stream of events was ended");
    }
  }

  #heard(): void {
    this.#onHeard?.();
    this.#cancel?.();
    this.#cancel = this.#runtime.after(MAX_SILENCE_MS, () => this.#silence.abort());
  }
}
