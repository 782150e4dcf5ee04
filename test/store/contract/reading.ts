import { beforeEach, describe, expect, test } from "vitest";
import type { EventStore, StoredEvent } from "../../../src/store/event-store.ts";
import { collect, event, type FreshStore, newEvents, range } from "../events.ts";

/** The part of the contract that is about reading a stream and the log. */
export function reading(name: string, at: FreshStore): void {
  describe(`${name}: readStream`, () => {
    beforeEach(async () => {
      await at.store.append(at.A, newEvents(4), "no_stream");
      await at.store.append(at.B, [event()], "no_stream");
      await at.store.append(at.A, newEvents(6), 3n);
    });

    test("gives the stream from its first event on, and nothing of others", async () => {
      const events = await collect(at.store.readStream(at.A));
      expect(events.map(({ revision }) => revision)).toEqual(range(10).map(BigInt));
      expect(new Set(events.map(({ stream }) => stream))).toEqual(new Set([at.A]));
    });

    test("gives the same whatever the size of a page", async () => {
      const whole = await collect(at.store.readStream(at.A));
      for (const pageSize of [1, 3, 10, 1000])
        expect(await collect(at.store.readStream(at.A, { pageSize }))).toEqual(whole);
      const reversed = whole.toReversed();
      for (const pageSize of [1, 3, 10, 1000]) {
        expect(await collect(at.store.readStream(at.A, { pageSize, direction: "backwards" }))).toEqual(reversed);
      }
    });

    test.for([
      ["from a revision, this one included", { from: 7n }, [7, 8, 9]],
      ["at most so many", { maxCount: 3 }, [0, 1, 2]],
      ["from a revision, at most so many", { from: 4n, maxCount: 2 }, [4, 5]],
      ["at most so many over several pages", { maxCount: 5, pageSize: 2 }, [0, 1, 2, 3, 4]],
      ["from beyond the end: nothing", { from: 10n }, []],
      ["backwards, from the last", { direction: "backwards", maxCount: 2 }, [9, 8]],
      ["backwards from a revision", { direction: "backwards", from: 2n }, [2, 1, 0]],
      ["backwards from beyond the end: from the last", { direction: "backwards", from: 99n, maxCount: 1 }, [9]],
    ] as const)("reads %s", async ([, options, expected]) => {
      const events = await collect(at.store.readStream(at.A, options));
      expect(events.map(({ revision }) => Number(revision))).toEqual(expected);
    });

    test("takes any size of a page for the hint that it is", async () => {
      for (const pageSize of [0, -1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(await collect(at.store.readStream(at.A, { pageSize }))).toHaveLength(10);
      }
    });

    test("of a stream that is not there is empty, both ways", async () => {
      expect(await collect(at.store.readStream(at.named("none")))).toEqual([]);
      expect(await collect(at.store.readStream(at.named("none"), { direction: "backwards" }))).toEqual([]);
    });

    test("refuses a count or a revision that cannot be", async () => {
      for (const options of [{ maxCount: 0 }, { maxCount: 1.5 }, { from: -1n }]) {
        await expect(collect(at.store.readStream(at.A, options))).rejects.toMatchObject({ code: "INVALID_INPUT" });
      }
    });

    test("sees what was committed before it began", async () => {
      for (const index of range(20)) {
        await at.store.append(at.named("C"), [event()], index === 0 ? "no_stream" : BigInt(index - 1));
        expect(await collect(at.store.readStream(at.named("C"), { from: BigInt(index) }))).toHaveLength(1);
      }
    });

    test("gives large events too, several pages of them", async () => {
      const sizes = range(7).map((index) => 400_000 + index);
      for (const [index, size] of sizes.entries()) {
        await at.store.append(at.named("L"), [event("x".repeat(size))], index === 0 ? "no_stream" : BigInt(index - 1));
      }
      const lengths = (await collect(at.store.readStream(at.named("L")))).map(({ data }) => data.length);
      expect(lengths).toEqual(sizes.map((size) => size + event().data.length));
      const backwards = await collect(at.store.readStream(at.named("L"), { direction: "backwards", maxCount: 6 }));
      expect(backwards.map(({ data }) => data.length)).toEqual(lengths.slice(1).reverse());
    });

    test("that was aborted before or under way is ABORTED", async () => {
      await expect(collect(at.store.readStream(at.A, { signal: AbortSignal.abort() }))).rejects.toMatchObject({
        code: "ABORTED",
      });
      const abort = new AbortController();
      const seen: StoredEvent[] = [];
      const reading = (async () => {
        for await (const each of at.store.readStream(at.A, { signal: abort.signal, pageSize: 2 })) {
          if (seen.push(each) === 3) abort.abort();
        }
      })();
      await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
      expect(seen).toHaveLength(3);
    });

    test("that the reader breaks off leaves the store as it was", async () => {
      for await (const { revision } of at.store.readStream(at.A, { pageSize: 2 })) if (revision === 5n) break;
      expect(await revisions(at.store, at.A)).toHaveLength(10);
    });
  });

  describe(`${name}: readAll`, () => {
    test("gives all streams in the order of the commits, at positions that ascend as text and fit in a URL", async () => {
      await at.store.append(at.A, [event(), event()], "no_stream");
      await at.store.append(at.B, [event()], "no_stream");
      await at.store.append(at.A, [event()], 1n);
      const events = await at.all();
      expect(events.map(({ stream, revision }) => [stream, revision])).toEqual([
        [at.A, 0n],
        [at.A, 1n],
        [at.B, 0n],
        [at.A, 2n],
      ]);
      const positions = events.map(({ position }) => position);
      expect(positions).toEqual([...new Set(positions)].sort());
      for (const position of positions) expect(position).toMatch(/^[A-Za-z0-9._~-]+$/);
    });

    test("gives nothing before anything was appended, both ways", async () => {
      expect(await at.all()).toEqual([]);
      expect(at.among(await collect(at.store.readAll({ direction: "backwards" })))).toEqual([]);
    });

    test("reads after a position, before it when backwards, and at most so many", async () => {
      await at.store.append(at.A, newEvents(10), "no_stream");
      const events = await at.all();
      const fourth = events[3]?.position ?? "";
      const last = events[9]?.position ?? "";
      expect(await collect(at.store.readAll({ after: fourth }))).toEqual(events.slice(4));
      expect(await collect(at.store.readAll({ after: fourth, maxCount: 2, pageSize: 1 }))).toEqual(events.slice(4, 6));
      expect(await collect(at.store.readAll({ after: last }))).toEqual([]);
      expect(at.among(await collect(at.store.readAll({ after: fourth, direction: "backwards" })))).toEqual(
        events.slice(0, 3).reverse(),
      );
      expect(await collect(at.store.readAll({ direction: "backwards", maxCount: 2 }))).toEqual(
        events.slice(8).reverse(),
      );
      expect(at.among(await collect(at.store.readAll({ pageSize: 3, direction: "backwards" })))).toEqual(
        events.toReversed(),
      );
    });

    test("takes a position at which no event stands for its place in the order", async () => {
      await at.store.append(at.A, newEvents(5), "no_stream");
      const events = await at.all();
      for (const by of [-1, 1, 3, 1_000_000]) {
        const after = shifted(events[2]?.position ?? "", by);
        const isBehind = ({ position }: StoredEvent): boolean => position > after;
        const isBefore = ({ position }: StoredEvent): boolean => position < after;
        expect(at.among(await collect(at.store.readAll({ after })))).toEqual(events.filter(isBehind));
        expect(at.among(await collect(at.store.readAll({ after, direction: "backwards" })))).toEqual(
          events.filter(isBefore).toReversed(),
        );
      }
      const live = await at.listen({ after: shifted(events[0]?.position ?? "", -1) });
      expect(await live.take(5)).toEqual(events);
    });

    test("refuses a count that cannot be, and what is no position", async () => {
      for (const options of [{ maxCount: 0 }, { after: "here" }, { after: "" }, { after: "-1" }]) {
        await expect(collect(at.store.readAll(options))).rejects.toMatchObject({ code: "INVALID_INPUT" });
      }
    });

    test("tells a position by its form", async () => {
      const { position } = await at.store.append(at.A, [event()], "no_stream");
      for (const none of ["here", "", "-1", "0", `${position}0`, ` ${position}`, position.replace(/.$/, "a")]) {
        expect(() => at.store.checkPosition(none), none).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
      }
      at.store.checkPosition(position);
    });

    test("that was aborted before or under way is ABORTED", async () => {
      await at.store.append(at.A, newEvents(5), "no_stream");
      const aborted = { code: "ABORTED" };
      await expect(collect(at.store.readAll({ signal: AbortSignal.abort() }))).rejects.toMatchObject(aborted);
      const abort = new AbortController();
      const reading = (async () => {
        for await (const _ of at.store.readAll({ signal: abort.signal, pageSize: 1 })) abort.abort();
      })();
      await expect(reading).rejects.toMatchObject(aborted);
    });

    test("sees what was committed before it began", async () => {
      for (const index of range(20)) {
        const { position } = await at.store.append(at.A, [event()], index === 0 ? "no_stream" : BigInt(index - 1));
        const [last] = await collect(at.store.readAll({ direction: "backwards", maxCount: 1 }));
        expect(last?.position).toBe(position);
      }
    });

    test("reads many pages while others append, without gap or repeat", async () => {
      await at.store.append(at.A, newEvents(500), "no_stream");
      const appending = (async () => {
        for (const index of range(50))
          await at.store.append(at.B, [event()], index === 0 ? "no_stream" : BigInt(index - 1));
      })();
      const seen = at.among(await collect(at.store.readAll({ pageSize: 7 })));
      await appending;
      const events = await at.all();
      expect(events).toHaveLength(550);
      expect(seen).toEqual(events.slice(0, seen.length));
      expect(seen.length).toBeGreaterThanOrEqual(500);
    });
  });
}

/** at.A position so many steps further: maybe that of an event, maybe between two, maybe beyond all. */
const shifted = (position: string, by: number): string =>
  String(BigInt(position) + BigInt(by)).padStart(position.length, "0");

const revisions = async (store: EventStore, stream: string): Promise<readonly bigint[]> =>
  (await collect(store.readStream(stream))).map(({ revision }) => revision);
