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

export const systemRuntime = (): Runtime => ({
  now: () => Date.now(),
  newId: () => v7(),
  random: () => Math.random(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  actor: systemActor(),
});
