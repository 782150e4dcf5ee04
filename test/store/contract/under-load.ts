import { beforeEach, describe, expect, test } from "vitest";
import type { Appended, ExpectedRevision } from "../../../src/store/event-store.ts";
import { collect, event, type FreshStore, newEvents, range } from "../events.ts";

/** The part of the contract that needs many writers, many readers or many events. */
export function underLoad(name: string, at: FreshStore): void {
  /** Adds an event behind whatever is there by then: a lost race says what that is. */
  async function appendBehind(stream: string, guess: ExpectedRevision): Promise<Appended> {
    const mine = [event()];
    for (let expected = guess; ; ) {
      try {
        return await at.store.append(stream, mine, expected);
      } catch (error) {
        const next = actualOf(error);
        if (next === expected) throw error;
        expected = next;
      }
    }
  }

  describe(`${name}: many writers`, () => {
    test("who race for one stream win one revision each, where they were told, and lose nothing", async () => {
      const writers = range(8).map(async () => {
        const won: Appended[] = [];
        for (const _ of range(8)) won.push(await appendBehind(at.A, won.at(-1)?.revision ?? "no_stream"));
        return won;
      });
      const won = (await Promise.all(writers)).flat();
      const stored = (await collect(at.store.readStream(at.A))).map(({ revision, position }) => ({
        revision,
        position,
      }));
      expect(stored.map(({ revision }) => revision)).toEqual(range(64).map(BigInt));
      expect(won.toSorted((one, other) => Number(one.revision - other.revision))).toEqual(stored);
    });

    test("who lose a race read at once what they lost to", async () => {
      let lost = 0;
      const writers = range(8).map(async () => {
        let expected: ExpectedRevision = "no_stream";
        for (let written = 0; written < 8; ) {
          try {
            expected = (await at.store.append(at.A, [event()], expected)).revision;
            written += 1;
          } catch (error) {
            lost += 1;
            expected = actualOf(error);
            const there = expected === "no_stream" ? [] : await collect(at.store.readStream(at.A, { from: expected }));
            expect(there[0]?.revision).toBe(expected);
          }
        }
      });
      await Promise.all(writers);
      expect(lost).toBeGreaterThan(0);
    });

    test("to 64 streams at once leave each stream whole, and one order over all of them", async () => {
      const writers = range(64).map(async (writer) => {
        let expected: ExpectedRevision = "no_stream";
        for (const _ of range(5)) expected = (await at.store.append(at.named(writer), newEvents(2), expected)).revision;
      });
      await Promise.all(writers);
      const stored = await at.all();
      expect(stored).toHaveLength(640);
      const positions = stored.map(({ position }) => position);
      expect(positions).toEqual([...new Set(positions)].sort());
      for (const history of Map.groupBy(stored, ({ stream }) => stream).values()) {
        expect(history.map(({ revision }) => revision)).toEqual(range(10).map(BigInt));
      }
    });

    test("among whom every fifth is refused: the others get through", async () => {
      const outcomes = await Promise.allSettled(
        range(200).map((writer) =>
          at.store.append(at.named(writer), newEvents(2), writer % 5 === 0 ? BigInt(writer) : "no_stream"),
        ),
      );
      const refused = outcomes.flatMap(({ status }, writer) => (status === "rejected" ? [writer] : []));
      expect(refused).toEqual(range(40).map((index) => 5 * index));
      expect(await at.all()).toHaveLength(320);
    });
  });

  describe(`${name}: many events`, () => {
    const COUNT = 2500;

    beforeEach(async () => {
      for (const part of range(5)) {
        await at.store.append(at.A, newEvents(COUNT / 5), part === 0 ? "no_stream" : BigInt(part * 500 - 1));
      }
    });

    test("are read over every boundary of a page", async () => {
      const pageSize = 100;
      for (const maxCount of [1, 99, 100, 101, 199, 200, 201, 2499, 2500, 2501]) {
        for (const first of [0, 1, 99, 100, 2399, 2400, 2401, 2499]) {
          const forwards = await collect(at.store.readStream(at.A, { from: BigInt(first), maxCount, pageSize }));
          expect(forwards.map(({ revision }) => Number(revision))).toEqual(
            range(Math.min(maxCount, COUNT - first)).map((index) => first + index),
          );
          const backwards = await collect(
            at.store.readStream(at.A, { direction: "backwards", from: BigInt(first), maxCount, pageSize }),
          );
          expect(backwards.map(({ revision }) => Number(revision))).toEqual(
            range(Math.min(maxCount, first + 1)).map((index) => first - index),
          );
        }
      }
    });

    test("are the same log in pages of any size, both ways", async () => {
      const whole = await at.all();
      expect(whole).toHaveLength(COUNT);
      for (const pageSize of [99, 100, 1250, 2499, 2500, 2501]) {
        expect(at.among(await collect(at.store.readAll({ pageSize })))).toEqual(whole);
        expect(at.among(await collect(at.store.readAll({ pageSize, direction: "backwards" })))).toEqual(
          whole.toReversed(),
        );
      }
    });

    test("may be left in the middle, hundreds of times, and the store works as before", async () => {
      for (const turn of range(300)) {
        for await (const { revision } of at.store.readStream(at.A, { pageSize: 10 })) if (revision >= turn % 25) break;
        for await (const _ of at.store.readAll({ pageSize: 10, direction: "backwards" })) break;
        for await (const _ of await at.store.subscribe({ after: "start", stream: at.A })) break;
      }
      const live = await at.listen({ after: "end" });
      const { position } = await at.store.append(at.A, [event()], BigInt(COUNT - 1));
      expect((await live.take(1)).map((seen) => seen.position)).toEqual([position]);
      expect(await collect(at.store.readStream(at.A))).toHaveLength(COUNT + 1);
    });
  });

  describe(`${name}: many subscriptions`, () => {
    test("from everywhere, begun while others write, each miss nothing and repeat nothing", async () => {
      const streams = range(4).map((stream) => at.named(stream));
      const first = await at.store.append(at.A, newEvents(200), "no_stream");
      const writing = Promise.all(
        streams.map(async (stream) => {
          let expected: ExpectedRevision = "no_stream";
          for (const _ of range(50)) expected = (await at.store.append(stream, newEvents(2), expected)).revision;
        }),
      );
      const following = range(30).map(async (index) => {
        const stream = streams[index % 5]; // every fifth follows them all
        const after = index % 2 === 0 ? "start" : first.position;
        const live = await at.listen({ after, ...(stream !== undefined && { stream }) });
        const count = stream !== undefined ? 100 : after === "start" ? 600 : 400;
        return { stream, after, seen: await live.take(count) };
      });
      await writing;
      const log = await at.all();
      for (const { stream, after, seen } of await Promise.all(following)) {
        expect(seen).toEqual(
          log.filter((each) => (stream ?? each.stream) === each.stream && (after === "start" || each.position > after)),
        );
      }
    });

    test("from the end, each begun between two appends, begin exactly there", async () => {
      const begun = [];
      for (const index of range(25)) {
        begun.push(await at.listen({ after: "end" }));
        await at.store.append(at.A, [event()], index === 0 ? "no_stream" : BigInt(index - 1));
      }
      for (const [index, live] of begun.entries()) {
        const seen = await live.take(25 - index);
        expect(seen.map(({ revision }) => Number(revision))).toEqual(range(25 - index).map((count) => index + count));
      }
    });
  });
}

/** What a conflict says of the stream. */
function actualOf(error: unknown): ExpectedRevision {
  const { code, details } = error as { readonly code?: string; readonly details?: { readonly actual?: string } };
  if (code !== "CONFLICT" || details?.actual === undefined) throw error;
  return details.actual === "no_stream" ? "no_stream" : BigInt(details.actual);
}
