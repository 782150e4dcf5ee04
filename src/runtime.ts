import { hostname, userInfo } from "node:os";
import { v7 } from "uuid";

/**
 * All that is not deterministic: time, ids, randomness, timers, and who is at the keyboard. The one place where it
 * enters; a simulation hands in its own.
 */
export interface Runtime {
  /** Milliseconds since 1970, by a clock that may jump. */
  now(): number;
  /** A new UUIDv7. */
  newId(): string;
  /** 0 ≤ n < 1. */
  random(): number;
  /** Calls `callback` once after `delayMs`, without keeping the process alive; returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** Resolves after `delayMs`; somebody waits for it, so it keeps the process alive. */
  sleep(delayMs: number): Promise<void>;
  /** Who gives a command that names no actor. */
  readonly actor: string;
}

function systemActor(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `${process.env.USER ?? "unknown"}@${hostname()}`; // a uid without an entry in the user database
  }
}

/**
 * Waits until `ms` have passed or `ended` aborts, and keeps the process alive meanwhile: somebody depends on what comes
 * after it.
 */
export function pause(ms: number, runtime: Runtime, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const hold = setInterval(() => undefined, 2 ** 30);
    const stop = runtime.after(ms, done);
    function done(): void {
      clearInterval(hold);
      stop();
      ended.removeEventListener("abort", done);
      resolve();
    }
    ended.addEventListener("abort", done);
    if (ended.aborted) done();
  });
}

const RANDOM_BYTES = 16;

/** Random bytes for one id at a time, fetched in bulk: asking the kernel for each took most of a command's time. */
function pooledRandom(): () => Uint8Array {
  const pool = new Uint8Array(256 * RANDOM_BYTES);
  let used = pool.length;
  return () => {
    if (used === pool.length) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    used += RANDOM_BYTES;
    return pool.subarray(used - RANDOM_BYTES, used);
  };
}

/** UUIDv7s that only go up: within a millisecond a 31-bit counter that starts at random (RFC 9562 §6.2, method 1). */
function monotonicIds(): () => string {
  const random = pooledRandom();
  let msecs = Number.NEGATIVE_INFINITY;
  let seq = 0;
  return () => {
    const bytes = random();
    const now = Date.now();
    if (now > msecs) {
      msecs = now;
      seq = new DataView(bytes.buffer, bytes.byteOffset).getUint32(6) & 0x7fffffff;
    } else {
      seq = (seq + 1) >>> 0;
      if (seq === 0) msecs += 1;
    }
    return v7({ random: bytes, msecs, seq });
  };
}

export const systemRuntime = (): Runtime => ({
  now: () => Date.now(),
  newId: monotonicIds(),
  random: () => Math.random(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
  actor: systemActor(),
});
