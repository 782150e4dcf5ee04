import type { Runtime } from "../../runtime.ts";

const FIRST_PAUSE_MS = 25;
const MAX_PAUSE_MS = 2_000;

/** Twice as long after each failure, and never the same for two. */
export const pauseMs = (failures: number, { random }: Runtime): number =>
  Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures) * (0.5 + random() / 2);

export interface Patience {
  /** Whether there is time for another attempt. */
  readonly hasTime: () => boolean;
  readonly end: () => void;
}

/** Counts `ms` down by a timer: a clock that jumps neither lengthens nor shortens it. */
export function patience(ms: number, runtime: Runtime): Patience {
  let hasTime = true;
  const end = runtime.after(ms, () => {
    hasTime = false;
  });
  return { hasTime: () => hasTime, end };
}
