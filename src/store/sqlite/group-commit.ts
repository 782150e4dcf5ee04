import { fromFailure } from "../../sqlite/thread.ts";
import type { Appended } from "../event-store.ts";
import { appended, type BatchAnswer, type Cell } from "./wire.ts";

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

/**
 * Callers share commits: those who come while a batch is on its way to the disk go together as the next one. A caller
 * who finds nothing under way waits only until this turn of the event loop ends, so that all who were answered
 * together come back together.
 */
export function groupCommit(
  commit: (calls: readonly Cell[]) => Promise<BatchAnswer>,
  onCommitted: () => void,
): GroupCommit {
  const queue: Batch[] = [];
  let isUnderWay = false;
  let whenFinished: (() => void)[] = [];

  function batchFor(length: number): Batch {
    const last = queue.at(-1);
    if (last && last.callers.length < MAX_BATCH_CALLS && last.length + length <= MAX_BATCH_LENGTH) return last;
    const batch: Batch = { cells: [], callers: [], length: 0 };
    queue.push(batch);
    return batch;
  }

  async function writeNextBatch(): Promise<void> {
    const batch = queue.shift();
    if (batch) await writeBatch(batch);
    if (queue.length > 0) {
      setImmediate(writeNextBatch);
    } else {
      isUnderWay = false;
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
        if (isUnderWay) return;
        isUnderWay = true;
        setImmediate(writeNextBatch);
      });
    },
    finished() {
      return isUnderWay ? new Promise((resolve) => whenFinished.push(resolve)) : Promise.resolve();
    },
  };
}
