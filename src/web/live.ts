import { batch, effect, signal, untracked } from "@preact/signals";
import { EventSourceParserStream } from "eventsource-parser/stream";
import type { RecordedEvent } from "./answers.ts";
import { headers, Problem, send } from "./service.ts";

/**
 * The events of the ledger as they are recorded, over one connection a tab. A hidden tab lets go of it, because a
 * browser keeps only six to one service; a visible one goes on after the last event that it saw, from the log itself.
 */
export type Connection = "connecting" | "live" | "waiting" | "refused";

export const connection = signal<Connection>("connecting");
/** Rises when events may have been missed: what was read before must be read again. */
const restarts = signal(0);
/** Rises each time that the events flow again. */
const openings = signal(0);

type Listener = (event: RecordedEvent) => void;
const listeners = new Set<Listener>();

/** Tells of every event from now on, until the function returned is called. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls `load` once the events flow (or will not for now), and again whenever some may have been missed. */
export function onStart(load: () => void): () => void {
  let loaded = -1;
  return effect(() => {
    const started = restarts.value;
    if (connection.value === "connecting" || started === loaded) return;
    loaded = started;
    untracked(load);
  });
}

export const FIRST_WAIT_MS = 250;
export const LONGEST_WAIT_MS = 8_000;
/** Heartbeats come more often than this; a silent connection is a dead one. */
const SILENCE_MS = 60_000;

let lastId: string | undefined;
let current = new AbortController();

/** Begins anew, for example with another token. */
export function connect(): void {
  current.abort();
  current = new AbortController();
  lastId = undefined;
  connection.value = "connecting";
  void run(current.signal);
}

async function run(signal: AbortSignal): Promise<void> {
  let waitMs = FIRST_WAIT_MS;
  while (!signal.aborted) {
    if (document.hidden) await visible(signal);
    try {
      await listen(signal, () => {
        waitMs = FIRST_WAIT_MS;
      });
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
        connection.value = "refused";
        return;
      }
    }
    if (signal.aborted || document.hidden) continue;
    connection.value = "waiting";
    await pause(waitMs * (0.5 + Math.random() / 2), signal);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

async function listen(signal: AbortSignal, onOpen: () => void): Promise<void> {
  const given = headers("text/event-stream");
  if (lastId !== undefined) given.set("last-event-id", lastId);
  const here = new AbortController();
  const stop = () => here.abort();
  const hide = () => document.hidden && stop();
  signal.addEventListener("abort", stop);
  document.addEventListener("visibilitychange", hide);
  let silence = setTimeout(stop, SILENCE_MS);
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(stop, SILENCE_MS);
  };
  try {
    const response = await send("/v1/events", { headers: given, signal: here.signal });
    if (response.body === null) return;
    batch(() => {
      if (lastId === undefined) restarts.value += 1;
      openings.value += 1;
      connection.value = "live";
    });
    // Where the stream begins: whoever is cut off before its first event goes on from there.
    lastId ??= response.headers.get("last-event-id") ?? undefined;
    onOpen();
    const noted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        heard();
        controller.enqueue(chunk);
      },
    });
    const messages = response.body
      .pipeThrough(noted)
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const { id, data } of messages) {
      if (id !== undefined) lastId = id;
      tell(data);
    }
  } finally {
    clearTimeout(silence);
    signal.removeEventListener("abort", stop);
    document.removeEventListener("visibilitychange", hide);
  }
}

function tell(data: string): void {
  const event = JSON.parse(data) as Partial<RecordedEvent>;
  // The service may say other things on this connection, for example that it is about to stop.
  if (event.type === undefined || event.data === undefined) return;
  for (const listener of listeners) listener(event as RecordedEvent);
}

function visible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    document.addEventListener("visibilitychange", done);
    signal.addEventListener("abort", done);
  });
}

/** Ends early when there is a network again, or the events flow again. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      forget();
      window.removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    const before = openings.peek();
    const forget = openings.subscribe((now) => now !== before && done());
    window.addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}
