import type { Runtime } from "../../src/runtime.ts";

/** A clock that stands until it is moved. Timers fire in order, and between two all that they began has its turn. */
export interface VirtualTime {
  /** A process's own view of it: one can be stopped as by SIGSTOP, and its timers fire when it goes on. */
  process(name: string): Runtime & { stop(): void; resume(): void };
  advance(ms: number): Promise<void>;
  /** Until whatever is under way waits for time. */
  settle(): Promise<void>;
}

interface Timer {
  readonly at: number;
  readonly owner: { isStopped: boolean };
  readonly callback: () => void;
}

const TURNS = 30;

export function virtualTime(): VirtualTime {
  let now = Date.parse("2026-05-04T10:00:00Z");
  let ids = 0;
  const timers = new Set<Timer>();

  async function settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  async function fireDue(): Promise<void> {
    for (;;) {
      const due = [...timers].filter(({ at, owner }) => at <= now && !owner.isStopped);
      const next = due.toSorted((one, other) => one.at - other.at)[0];
      if (!next) return;
      timers.delete(next);
      next.callback();
      await settle();
    }
  }

  return {
    settle,
    process(name) {
      const owner = { isStopped: false };
      function after(delayMs: number, callback: () => void): () => void {
        const timer = { at: now + delayMs, owner, callback };
        timers.add(timer);
        return () => timers.delete(timer);
      }
      return {
        actor: name,
        now: () => now,
        newId() {
          ids += 1;
          return `0198c000-0000-7000-8000-${String(ids).padStart(12, "0")}`;
        },
        random: () => 0.5,
        after,
        sleep: (delayMs) => new Promise((resolve) => after(delayMs, resolve)),
        stop() {
          owner.isStopped = true;
        },
        resume() {
          owner.isStopped = false;
        },
      };
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      await fireDue();
      for (;;) {
        const upcoming = [...timers].filter(({ at, owner }) => at <= end && !owner.isStopped);
        if (upcoming.length === 0) break;
        now = Math.max(now, Math.min(...upcoming.map(({ at }) => at)));
        await fireDue();
      }
      now = end;
      await settle();
    },
  };
}
