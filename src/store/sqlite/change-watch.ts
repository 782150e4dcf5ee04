import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Runtime } from "../../runtime.ts";

/**
 * A commit is written to the log before it is synced and visible, and the file system speaks only of the first. So
 * after each sign of a write we look again and again, ever more rarely, until the slowest disk must have synced.
 */
const LOOK_AGAIN_AFTER_MS = [1, 1, 2, 4, 8, 16, 32, 64, 128, 256];
/** Should a sign be lost. */
const SAFETY_LOOK_MS = 1000;
/** Where the file system gives no signs at all. */
const BLIND_LOOK_MS = 50;

/** Calls `onChange` soon after a commit by any process; `stop` is what it returns. Without signs it costs next to nothing. */
export function watchForCommits(
  path: string,
  changeCount: () => number,
  runtime: Runtime,
  onChange: () => void,
): () => void {
  const logName = `${basename(path)}-wal`;
  const watcher = watchDirectory(dirname(path), (name) => {
    if (name === null || name === logName) lookSoon();
  });
  let known = changeCount();
  let step = LOOK_AGAIN_AFTER_MS.length;
  let pendingMs = 0;
  let cancel: () => void = () => undefined;

  function schedule(delayMs: number): void {
    cancel();
    pendingMs = delayMs;
    cancel = runtime.after(delayMs, look);
  }

  function look(): void {
    scheduleNextLook();
    const count = changeCount();
    if (count === known) return;
    known = count;
    onChange();
  }

  function scheduleNextLook(): void {
    const delayMs = LOOK_AGAIN_AFTER_MS[step];
    step += 1;
    schedule(delayMs ?? (watcher ? SAFETY_LOOK_MS : BLIND_LOOK_MS));
  }

  function lookSoon(): void {
    step = 1;
    const soonMs = LOOK_AGAIN_AFTER_MS[0] ?? 1;
    if (pendingMs > soonMs) schedule(soonMs);
  }

  scheduleNextLook();
  return () => {
    cancel();
    watcher?.close();
  };
}

/** `undefined` where it cannot be watched: too many watches, or a file system without. */
function watchDirectory(directory: string, onSign: (name: string | null) => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, (_, name) => onSign(name));
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
