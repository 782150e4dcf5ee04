/** When the world has nothing left to do although somebody waits, or has not finished by its time limit. */
export type Ending = "done" | "stuck" | "late";

interface Entry {
  readonly timeMs: number;
  readonly order: number;
  action: (() => void) | undefined;
}

const isBefore = (a: Entry, b: Entry): boolean => (a.timeMs === b.timeMs ? a.order < b.order : a.timeMs < b.timeMs);

/**
 * Virtual time. Everything that takes time in the simulated world is an entry here; between two entries all promises
 * settle, in the order that JavaScript guarantees. No real timer and no input or output takes part, so a run is a
 * function of its seed.
 */
export class Scheduler {
  /** Milliseconds since the world began. */
  nowMs = 0;
  /** Entries carried out. */
  steps = 0;
  readonly #heap: Entry[] = [];
  #order = 0;

  /** Calls `action` once after `delayMs`; gives what cancels it. */
  after(delayMs: number, action: () => void): () => void {
    const entry: Entry = { timeMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, action };
    this.#push(entry);
    return () => {
      entry.action = undefined;
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** Goes on until `isDone`, which is asked after each entry. */
  async run(isDone: () => boolean, limitMs: number): Promise<Ending> {
    await settled();
    while (!isDone()) {
      const entry = this.#pop();
      if (entry === undefined) return "stuck";
      if (entry.action === undefined) continue;
      if (entry.timeMs > limitMs) return "late";
      this.nowMs = entry.timeMs;
      this.steps += 1;
      entry.action();
      await settled();
    }
    return "done";
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const [one, other] = [heap[left], heap[left + 1]];
      if (one === undefined) break;
      const child = other !== undefined && isBefore(other, one) ? left + 1 : left;
      const below = heap[child];
      if (below === undefined || isBefore(last, below)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

/**
 * Resolves when no promise has anything left to do. It is a turn of the event loop, as the answer of a real store is, so
 * Node tells by then of every promise that was rejected and that nobody looks at.
 */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
