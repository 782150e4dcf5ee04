import type { Appended } from "./event-store.ts";
import { fromFailure } from "./sqlite-thread.ts";
import { appended, type BatchAnswer, type Cell } from "./sqlite-wire.ts";

/** One transaction takes no more than this, so that the next callers, and other processes, get their turn. */
const MAX_BATCH_CALLS = 512;
const MAX_BATCH_LENGTH = 4 * 1024 * 1024;

interface Call {
  readonly cells: readonly Cell[];
  /** UTF-16 units. */
  readonly length: number;
  readonly resolve: (result: Appended) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommit {
  /** Resolves once the call's batch is on disk. `length`: of its text, in UTF-16 units. */
  submit(cells: readonly Cell[], length: number): Promise<Appended>;
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
  let queue: Call[] = [];
  let isUnderWay = false;
  const whenFinished: (() => void)[] = [];

  function takeBatch(): readonly Call[] {
    let length = 0;
    const end = queue.findIndex((call, index) => {
      length += call.length;
      return index > 0 && (index >= MAX_BATCH_CALLS || length > MAX_BATCH_LENGTH);
    });
    if (end !== -1) return queue.splice(0, end);
    const all = queue;
    queue = [];
    return all;
  }

  async function writeNextBatch(): Promise<void> {
    const batch = takeBatch();
    try {
      const { numbers, failures } = await commit(batch.flatMap((call) => call.cells));
      onCommitted();
      for (const [index, failure] of failures) batch[index]?.reject(fromFailure(failure));
      for (const [index, { resolve }] of batch.entries()) {
        resolve(appended(numbers[2 * index] ?? 0, numbers[2 * index + 1] ?? 0)); // no effect where it was rejected
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    if (queue.length > 0) setImmediate(writeNextBatch);
    else rest();
  }

  function rest(): void {
    isUnderWay = false;
    for (const resolve of whenFinished.splice(0)) resolve();
  }

  return {
    submit(cells, length) {
      return new Promise((resolve, reject) => {
        queue.push({ cells, length, resolve, reject });
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
