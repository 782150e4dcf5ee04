import { FIRST_WAIT_MS, LONGEST_WAIT_MS, pause } from "./live.ts";
import { Problem } from "./service.ts";

/**
 * Has `act` done, again after growing pauses and as soon as the events flow again, until it succeeds, is refused, or
 * `signal` aborts. `tell` gets what went wrong, in a sentence, and undefined once that is true no longer.
 */
export async function untilDone(
  act: () => Promise<void>,
  signal: AbortSignal,
  tell: (problem: string | undefined) => void,
): Promise<void> {
  for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      await act();
      if (!signal.aborted) tell(undefined);
      return;
    } catch (error) {
      if (signal.aborted) return;
      tell(error instanceof Problem ? error.message : String(error));
      if (error instanceof Problem && error.isRefusal) return;
    }
    await pause(waitMs, signal);
  }
}

/** Has `act` done `calmMs` after it is called for: once for a crowd of calls, and never twice at a time. */
export function calmly(calmMs: number, act: () => Promise<void>): () => Promise<void> {
  let isDue = false;
  let isRunning = false;
  return async () => {
    isDue = true;
    if (isRunning) return;
    isRunning = true;
    try {
      while (isDue) {
        await new Promise((resolve) => setTimeout(resolve, calmMs));
        isDue = false;
        await act();
      }
    } finally {
      isRunning = false;
    }
  };
}
