import { fromFailure } from "../../sqlite/thread-loop.ts";
import type { Appended } from "../event-store.ts";
import { appended, type BatchAnswer, type Cell } from "./wire.ts";

/** One transaction takes no more than this, so that the next callers, and other processes, get their turn. */
const MAX_BATCH_CALLS = 512;
const MAX_BATCH_LENGTH = 4 * 1024 * 1024;

/** So many calls are worth a commit while their turn still lasts: the disk works while the others are prepared. */
const EAGER_CALLS = 32;
/** So many are worth going after a batch that is not on disk yet. */
const FOLLOWING_CALLS = EAGER_CALLS / 2;

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

/**
 * Callers share commits: those who come while a batch is on its way to the disk go together as the next one. A caller
 * who finds nothing under way waits only until this turn of the event loop ends, so that all who were answered
 * together come back together. Where many are under way, two batches take turns: one is prepared while the other is
 * written.
 */
export function groupCommit(
  commit: (calls: readonly Cell[]) => Promise<BatchAnswer>,
  onCommitted: () => void,
): GroupCommit {
  const queue: Batch[] = [];
  let underWay = 0;
  let isTurnAwaited = false;
  let whenFinished: (() => void)[] = [];

  function batchFor(length: number): Batch {
    const last = queue.at(-1);
    if (last && last.callers.length < MAX_BATCH_CALLS && last.length + length <= MAX_BATCH_LENGTH) return last;
    const batch: Batch = { cells: [], callers: [], length: 0 };
    queue.push(batch);
    return batch;
  }

  const mayGo = ({ callers }: Batch): boolean =>
    underWay === 0 || (underWay === 1 && callers.length >= FOLLOWING_CALLS);

  function awaitTurn(): void {
    if (isTurnAwaited) return;
    isTurnAwaited = true;
    setImmediate(() => {
      isTurnAwaited = false;
      send();
    });
  }

  function send(): void {
    for (let next = queue[0]; next && mayGo(next); next = queue[0]) {
      queue.shift();
      underWay += 1;
      void writeBatch(next).then(onWritten);
    }
  }

  function onWritten(): void {
    underWay -= 1;
    if (queue.length > 0) {
      awaitTurn();
    } else if (underWay === 0) {
      for (const resolve of whenFinished) resolve();
      whenFinished = [];
    }
  }

  async function writeBatch({ cells, callers }: Batch): Promise<void> {
    try {
      const { numbers, failures } = await commit(cells);
      onCommitted();
      for (const [index, failure] of failures) callers[index]?.reject(fromFailure(failure));
      for (const [index, { resolve }] of callers.entries()) {
        resolve(appended(numbers[2 * index] ?? 0, numbers[2 * index + 1] ?? 0)); // no effect where it was rejected
      }
    } catch (error) {
      for (const { reject } of callers) reject(error);
    }
  }

  return {
    submit(length, write) {
      return new Promise((resolve, reject) => {
        const batch = batchFor(length);
        write(batch.cells);
        batch.callers.push({ resolve, reject });
        batch.length += length;
        if (underWay === 0 && batch.callers.length >= EAGER_CALLS) send();
        else awaitTurn();
      });
    },
    finished() {
      return underWay > 0 || queue.length > 0
        ? new Promise((resolve) => whenFinished.push(resolve))
        : Promise.resolve();
    },
  };
}
