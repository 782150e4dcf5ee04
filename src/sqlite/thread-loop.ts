import { availableParallelism } from "node:os";
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { LedgerError, type LedgerErrorCode } from "../errors.ts";
import { toLedgerError } from "./errors.ts";

/** A {@link LedgerError} on its way between threads: an instance would lose its code. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly cause?: string;
}

/** What a thread is given when it starts. */
export interface ThreadChannel {
  readonly port: MessagePort;
  /** Changes with each message; the thread sleeps on it. */
  readonly doorbell: Int32Array;
}

/** The file that a thread works on from then on. */
export interface ThreadSettings {
  readonly path: string;
  readonly lockTimeoutMs: number;
}

export type Operations = Readonly<Record<string, (...args: never[]) => unknown>>;

/** Name and arguments of an operation; or the settings, which begin the work on a file; or the end of the thread. */
export type Request = readonly [name: string, ...args: never[]] | ThreadSettings | null;

export type Answer = { readonly value: unknown } | { readonly failure: Failure };

export function toFailure(error: unknown, path: string): Failure {
  const { code, message, details, cause } = toLedgerError(error, path);
  return { code, message, details, ...(cause === undefined ? {} : { cause: String(cause) }) };
}

export const fromFailure = ({ code, message, details, cause }: Failure): LedgerError =>
  new LedgerError(code as LedgerErrorCode, message, details, { cause });

/**
 * How long it looks out for the next call before it sleeps: as long as a caller who waits for one call after the other
 * takes to come back, since to wake a thread costs half of that. Not where it would keep the caller from running.
 */
const SPIN_MS = availableParallelism() > 1 ? 0.15 : 0;

/** So often the event loop turns all the same: until it does, the driver keeps every iterator and statement there was. */
const REQUESTS_A_TURN = 64;

/**
 * The life of a thread: does what is asked, in order, until it is told to end. It sleeps on the doorbell and not in
 * the event loop: that halves the time from a call to its answer (11 µs instead of 27).
 */
export async function serve(workOn: (settings: ThreadSettings) => Operations): Promise<void> {
  const { port, doorbell } = workerData as ThreadChannel;
  let operations: Operations = {};
  let path = "";
  let requests = 0;
  for (;;) {
    const rings = Atomics.load(doorbell, 0);
    for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) {
      const request: Request = received.message;
      if (request === null) {
        port.close();
        return;
      }
      if ("path" in request) {
        path = request.path;
        operations = workOn(request);
      } else {
        const reply = answer(request, operations, path);
        port.postMessage(reply, bytesIn(reply));
      }
      requests += 1;
      if (requests % REQUESTS_A_TURN === 0) await new Promise(setImmediate);
    }
    const lastWork = performance.now();
    while (Atomics.load(doorbell, 0) === rings && performance.now() - lastWork < SPIN_MS);
    Atomics.wait(doorbell, 0, rings);
  }
}

/** Bytes move to the other thread; text is copied. */
function bytesIn(reply: Answer): ArrayBuffer[] {
  if (!("value" in reply) || typeof reply.value !== "object" || reply.value === null) return [];
  const parts: readonly unknown[] = Object.values(reply.value);
  return parts.flatMap((part) => (part instanceof Uint8Array && part.buffer instanceof ArrayBuffer ? part.buffer : []));
}

function answer(
  [name, ...args]: readonly [name: string, ...args: never[]],
  operations: Operations,
  path: string,
): Answer {
  try {
    return { value: operations[name]?.(...args) };
  } catch (error) {
    return { failure: toFailure(error, path) };
  }
}
