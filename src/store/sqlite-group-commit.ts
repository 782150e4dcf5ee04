import type { Appended } from "./event-store.ts";
import { fromFailure } from "./sqlite-thread.ts";
import { appended, type BatchAnswer, type Cell } from "./sqlite-wire.ts";

/** One transaction takes no more than this, so that the next callers, and other processes, get their turn. */
const MAX_BATCH_CALLS = 512;
const MAX_BATCH_LENGTH = 4 * 1024 * 1024;

interface Caller {
  readonly resolve: (result: Appended) => void;
  readonly reject: (error: unknown) => void;
}

interface Batch {
  readonly cells: Cell[];
  readonly callers: Caller[];
  length: number;
}

export interface GroupCommit {
  /**
   * Resolves once the batch that `write` put its cells in is on disk.
   * @param length of the text in the cells, in UTF-16 units
   */
  submit(length: number, write: (cells: Cell[]) => void): Promise<Appended>;
  /** Resolves when nothing is waiting or under way. */
  finished(): Promise<void>;
}

/** From here on a commit costs more than what could be done beside it: then all callers wait for one another. */
const SLOW_COMMIT_MS = 8;

/**
 * Callers share commits: those who come while a batch is on its way to the disk go together as the next one. Callers
 * who were answered together come back together, so half of them are sent off as soon as they are there: the disk works
 * for one half while the process decides for the other. Nobody waits for more than this turn of the event loop.
 */
export function groupCommit(
  commit: (calls: readonly Cell[]) => Promise<BatchAnswer>,
  onCommitted: () => void,
): GroupCommit {
  const queue: Batch[] = [];
  let isWriting = false;
  let isScheduled = false;
  /** How many callers need not wait for more: half of those that were under way lately. */
  let enough = 1;
  let whenFinished: (() => void)[] = [];

  function batchFor(length: number): Batch {
    const last = queue.at(-1);
    if (last && last.callers.length < MAX_BATCH_CALLS && last.length + length <= MAX_BATCH_LENGTH) return last;
    const batch: Batch = { cells: [], callers: [], length: 0 };
    queue.push(batch);
    return batch;
  }

  const waiting = (): number => queue.reduce((sum, { callers }) => sum + callers.length, 0);

  /** At once if there are enough callers, else when this turn of the event loop ends. */
  function writeSoon(): void {
    if (isWriting) return;
    if (waiting() >= enough) {
      void writeNextBatch();
    } else if (!isScheduled) {
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        if (!isWriting) void writeNextBatch();
      });
    }
  }

  async function writeNextBatch(): Promise<void> {
    const batch = queue.shift();
    if (batch === undefined) return;
    isWriting = true;
    const start = performance.now();
    const answer = await commit(batch.cells).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const underWay = batch.callers.length + waiting();
    enough = performance.now() - start > SLOW_COMMIT_MS ? underWay : Math.ceil(underWay / 2);
    isWriting = false;
    if (queue.length > 0) writeSoon(); // before the answers: the thread has work while they are dealt with
    if ("error" in answer) for (const { reject } of batch.callers) reject(answer.error);
    else settle(batch.callers, answer.value);
    if (isFinished()) for (const resolve of whenFinished) resolve();
    if (isFinished()) whenFinished = [];
  }

  function settle(callers: readonly Caller[], { numbers, failures }: BatchAnswer): void {
    onCommitted();
    for (const [index, failure] of failures) callers[index]?.reject(fromFailure(failure));
    for (const [index, { resolve }] of callers.entries()) {
      resolve(appended(numbers[2 * index] ?? 0, numbers[2 * index + 1] ?? 0)); // no effect where it was rejected
    }
  }

  const isFinished = (): boolean => !isWriting && queue.length === 0;

  return {
    submit(length, write) {
      return new Promise((resolve, reject) => {
        const batch = batchFor(length);
        write(batch.cells);
        batch.callers.push({ resolve, reject });
        batch.length += length;
        writeSoon();
      });
    },
    finished() {
      return isFinished() ? Promise.resolve() : new Promise((resolve) => whenFinished.push(resolve));
    },
  };
}
