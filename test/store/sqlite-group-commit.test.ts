import { expect, test } from "vitest";
import { type GroupCommit, groupCommit } from "../../src/store/sqlite/group-commit.ts";
import type { BatchAnswer, Cell } from "../../src/store/sqlite/wire.ts";
import { range } from "./events.ts";

/** Which calls share a transaction. Here a call is one cell, and its position the number in it. */

interface Disk {
  readonly commits: GroupCommit;
  readonly batches: (readonly Cell[])[];
  /** Lets the first of the batches that are on their way get there. */
  land(answer?: (cells: readonly Cell[]) => BatchAnswer): void;
  /** Resolves when so many batches have been sent. */
  sent(count: number): Promise<void>;
}

const written = (cells: readonly Cell[]): BatchAnswer => ({
  numbers: cells.flatMap((cell) => [0, Number(cell)]),
  failures: [],
});

function disk(): Disk {
  const batches: (readonly Cell[])[] = [];
  const flying: { cells: readonly Cell[]; resolve: (answer: BatchAnswer) => void; reject: (error: unknown) => void }[] =
    [];
  const commits = groupCommit(
    (cells) => {
      batches.push(cells);
      return new Promise((resolve, reject) => {
        flying.push({ cells, resolve, reject });
      });
    },
    () => undefined,
  );
  return {
    commits,
    batches,
    land(answer = written) {
      const first = flying.shift();
      try {
        first?.resolve(answer(first.cells));
      } catch (error) {
        first?.reject(error);
      }
    },
    async sent(count) {
      while (batches.length < count) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const submit = ({ commits }: Disk, call: number, length = 1) => commits.submit(length, (cells) => cells.push(call));

test("calls of one turn go together, and those that come meanwhile are the next batch", async () => {
  const to = disk();
  const first = [submit(to, 1), submit(to, 2)];
  await to.sent(1);
  const second = range(3).map((index) => submit(to, 3 + index));
  to.land();
  expect((await Promise.all(first)).map(({ position }) => Number(position))).toEqual([1, 2]);
  await to.sent(2);
  to.land();
  expect((await Promise.all(second)).map(({ position }) => Number(position))).toEqual([3, 4, 5]);
  expect(to.batches).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
});

test("callers who are answered together and come back do so in one batch", async () => {
  const to = disk();
  const callers = range(5).map(async (call) => {
    await submit(to, call);
    await Promise.resolve();
    await submit(to, 10 + call);
  });
  await to.sent(1);
  to.land();
  await to.sent(2);
  to.land();
  await Promise.all(callers);
  expect(to.batches).toEqual([
    [0, 1, 2, 3, 4],
    [10, 11, 12, 13, 14],
  ]);
});

test("where many are under way two batches take turns, and a few never go after one that is not there yet", async () => {
  const to = disk();
  const first = range(32).map((call) => submit(to, call));
  expect(to.batches).toHaveLength(1); // so many do not wait until their turn ends
  const second = range(16).map((call) => submit(to, 100 + call));
  await to.sent(2);
  const third = range(16).map((call) => submit(to, 200 + call));
  await turns(3);
  expect(to.batches).toHaveLength(2);
  to.land();
  await Promise.all(first);
  await to.sent(3);
  to.land();
  await Promise.all(second);
  const few = range(15).map((call) => submit(to, 300 + call));
  await turns(3);
  expect(to.batches).toHaveLength(3);
  to.land();
  await Promise.all(third);
  await to.sent(4);
  to.land();
  await Promise.all(few);
  expect(to.batches.map((batch) => batch.length)).toEqual([32, 16, 16, 15]);
});

test("a batch has at most 512 calls and 4 Mi characters; a longer call goes alone", async () => {
  const many = disk();
  const calls = range(600).map((call) => submit(many, call));
  for (const count of [1, 2, 3]) {
    await many.sent(count);
    many.land();
  }
  await Promise.all(calls);
  expect(many.batches.map((batch) => batch.length)).toEqual([32, 512, 56]);

  const long = disk();
  const longCalls = [3_000_000, 1_000_000, 1_000_000, 9_000_000, 1].map((length, call) => submit(long, call, length));
  for (const count of [1, 2, 3, 4]) {
    await long.sent(count);
    long.land();
  }
  await Promise.all(longCalls);
  expect(long.batches).toEqual([[0, 1], [2], [3], [4]]);
});

test("one that fails in a batch is told so, the others are not", async () => {
  const to = disk();
  const calls = range(3).map((call) => submit(to, call));
  await to.sent(1);
  const failure = { code: "CONFLICT", message: "somebody appended first", details: { actual: "7" } };
  to.land((cells) => ({ ...written(cells), failures: [[1, failure]] }));
  const outcomes = await Promise.allSettled(calls);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(outcomes[1]).toMatchObject({ reason: { name: "LedgerError", ...failure } });
});

test("a batch that fails is told to all its callers, and the next one is tried", async () => {
  const to = disk();
  const failing = [submit(to, 1), submit(to, 2)];
  await to.sent(1);
  const next = submit(to, 3);
  to.land(() => {
    throw new Error("disk full");
  });
  for (const call of failing) await expect(call).rejects.toThrow("disk full");
  await to.sent(2);
  to.land();
  expect(Number((await next).position)).toBe(3);
});

test("it is finished when the last batch is on disk", async () => {
  const to = disk();
  await to.commits.finished();
  void submit(to, 1);
  let isFinished = false;
  const finishing = to.commits.finished().then(() => {
    isFinished = true;
  });
  await to.sent(1);
  expect(isFinished).toBe(false);
  to.land();
  await finishing;
});
