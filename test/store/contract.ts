import { randomBytes } from "node:crypto";
import { v7 } from "uuid";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LedgerError } from "../../src/errors.ts";
import type { EventStore, ExpectedKept, StoredEvent } from "../../src/store/event-store.ts";
import { inOrder } from "./contract-in-order.ts";
import { underLoad } from "./contract-under-load.ts";
import { collect, event, newEvents, type OwnStreams, ownStreams, range } from "./events.ts";

/** What every store promises. `open` gives one, empty or not; no store is excused from a claim. */
export function eventStoreContract(name: string, open: () => Promise<EventStore>): void {
  let own: OwnStreams;
  let A: string;
  let B: string;
  let store: EventStore;
  const all = (of: EventStore): Promise<readonly StoredEvent[]> => own.all(of);
  const listen: OwnStreams["listen"] = (...following) => own.listen(...following);

  beforeEach(async () => {
    own = ownStreams();
    ({ A, B } = own);
    store = await open();
  });
  afterEach(() => store.close());

  describe(`${name}: append`, () => {
    test("answers with the revision and the position of the last event", async () => {
      const appended = await store.append(A, [event(), event(), event()], "no_stream");
      expect(appended.revision).toBe(2n);
      expect((await all(store)).at(-1)?.position).toBe(appended.position);
    });

    test("goes on where the stream ends", async () => {
      await store.append(A, [event(), event()], "no_stream");
      expect((await store.append(A, [event()], 1n)).revision).toBe(2n);
    });

    test("keeps every text byte for byte", async () => {
      const written = TEXTS.map((data) => ({ ...event(), type: "Ünï 🦉", data, metadata: data }));
      await store.append(own.named("naïve 🦉/%2F-x"), written, "no_stream");
      const read = await all(store);
      expect(read).toMatchObject(written);
      expect(new Set(read.map(({ stream }) => stream))).toEqual(new Set([own.named("naïve 🦉/%2F-x")]));
    });

    test("keeps streams apart whose names differ by a space, a case, a wildcard or the composition of a letter", async () => {
      for (const name of ODD_NAMES) await store.append(own.named(name), [event(name), event(name)], "no_stream");
      for (const name of ODD_NAMES) {
        const found = await collect(store.readStream(own.named(name)));
        expect(found.map(({ stream, data }) => [stream, data])).toEqual(
          range(2).map(() => [own.named(name), event(name).data]),
        );
      }
    });

    test("gives the positions that every read and subscription gives", async () => {
      const one = await store.append(A, newEvents(2), "no_stream");
      const other = await store.append(B, [event()], "no_stream");
      const again = await store.append(A, [event()], 1n);
      const read = await all(store);
      expect(read.slice(1).map(({ position }) => position)).toEqual([one.position, other.position, again.position]);
      const ofA = read.filter(({ stream }) => stream === A);
      expect(await collect(store.readStream(A))).toEqual(ofA);
      expect(await (await listen(store, { after: "start" })).take(4)).toEqual(read);
      expect(await (await listen(store, { after: "start", stream: A })).take(3)).toEqual(ofA);
    });

    test("that expects no stream is a conflict when there is one, and names its revision", async () => {
      await store.append(A, [event(), event()], "no_stream");
      await expect(store.append(A, [event()], "no_stream")).rejects.toMatchObject(conflict({ actual: "1" }));
    });

    test("that expects a revision is a conflict when the stream is behind it", async () => {
      await store.append(A, [event()], "no_stream");
      await expect(store.append(A, [event()], 1n)).rejects.toMatchObject(conflict({ actual: "0" }));
    });

    test("that expects a revision is a conflict when the stream is ahead of it", async () => {
      await store.append(A, [event(), event()], "no_stream");
      await expect(store.append(A, [event()], 0n)).rejects.toMatchObject(conflict({ actual: "1" }));
    });

    test("that expects a revision is a conflict when there is no stream", async () => {
      await expect(store.append(A, [event()], 0n)).rejects.toMatchObject(conflict({ actual: "no_stream" }));
    });

    test("that expects a revision which no stream will ever reach is a conflict, and harms nobody beside it", async () => {
      const beside = store.append(B, [event()], "no_stream");
      for (const beyond of [2n ** 53n, 2n ** 64n, 10n ** 400n]) {
        await expect(store.append(A, [event()], beyond)).rejects.toMatchObject(conflict({ actual: "no_stream" }));
      }
      expect((await beside).revision).toBe(0n);
    });

    test("that was refused leaves nothing behind", async () => {
      await store.append(A, [event()], "no_stream");
      await store.append(A, [event(), event()], 7n).catch(() => undefined);
      expect(await revisions(store, A)).toEqual([0n]);
    });

    test("repeated gives the first result and writes nothing", async () => {
      const events = [event(), event()];
      const first = await store.append(A, events, "no_stream");
      expect(await store.append(A, events, "no_stream")).toEqual(first);
      expect(await revisions(store, A)).toEqual([0n, 1n]);
    });

    test("repeated after later events still gives the first result", async () => {
      await store.append(A, [event()], "no_stream");
      const events = [event(), event()];
      const first = await store.append(A, events, 0n);
      await store.append(A, [event()], 2n);
      await store.append(B, [event()], "no_stream");
      expect(await store.append(A, events, 0n)).toEqual(first);
    });

    test("sent twice at once is written once, and both are told the same", async () => {
      const events = [event(), event()];
      const [one, other] = await Promise.all([
        store.append(A, events, "no_stream"),
        store.append(A, events, "no_stream"),
      ]);
      expect(one).toEqual(other);
      expect(await revisions(store, A)).toEqual([0n, 1n]);
    });

    test("that repeats what another append wrote of it and brings something new is a conflict, and writes nothing", async () => {
      const [one, two] = [event(), event()];
      await store.append(A, [one], "no_stream");
      await store.append(A, [two], 0n);
      await expect(store.append(A, [two, event()], 0n)).rejects.toMatchObject(conflict({ actual: "1" }));
      await expect(store.append(A, [event(), two], 1n)).rejects.toMatchObject(conflict({ actual: "1" }));
      expect(await revisions(store, A)).toEqual([0n, 1n]);
    });

    test("repeated with an event more is a conflict", async () => {
      const [one, two] = [event(), event()];
      await store.append(A, [one], "no_stream");
      await expect(store.append(A, [one, two], "no_stream")).rejects.toMatchObject(conflict({ actual: "0" }));
    });

    test("repeated with another event in the middle is a conflict", async () => {
      const [one, two, three] = [event(), event(), event()];
      await store.append(A, [one, two, three], "no_stream");
      await expect(store.append(A, [one, event(), three], "no_stream")).rejects.toMatchObject(conflict({}));
    });

    test("repeated in another order is a conflict", async () => {
      const [one, two] = [event(), event()];
      await store.append(A, [one, two], "no_stream");
      await expect(store.append(A, [two, one], "no_stream")).rejects.toMatchObject(conflict({}));
    });

    test("repeated with another expected revision is a conflict", async () => {
      const events = [event()];
      await store.append(A, events, "no_stream");
      await expect(store.append(A, events, 0n)).rejects.toMatchObject(conflict({ actual: "0" }));
    });

    test("with an id that another stream has is a conflict, and none of it is written", async () => {
      const taken = event();
      await store.append(A, [taken], "no_stream");
      await expect(store.append(B, [event(), event(), taken], "no_stream")).rejects.toMatchObject(
        conflict({ actual: "no_stream", id: taken.id }),
      );
      expect(await revisions(store, B)).toEqual([]);
    });

    test("with the very ids of an append to another stream is a conflict", async () => {
      const events = [event(), event()];
      await store.append(A, events, "no_stream");
      await expect(store.append(B, events, "no_stream")).rejects.toMatchObject(conflict({ actual: "no_stream" }));
    });

    test("after a conflict of ids goes on without a gap in the revisions", async () => {
      const taken = event();
      await store.append(A, [taken], "no_stream");
      await store.append(A, [event(), taken], 0n).catch(() => undefined);
      await store.append(A, [event()], 0n);
      expect(await revisions(store, A)).toEqual([0n, 1n]);
    });

    test("of many at once with the same expectation: one wins, the others conflict", async () => {
      await store.append(A, [event()], "no_stream");
      const outcomes = await Promise.allSettled(range(20).map(() => store.append(A, [event()], 0n)));
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(conflict({ actual: "1" }));
      }
    });

    test("of many at once to one stream, each expecting the one before, are written in the order of the calls", async () => {
      const events = newEvents(20);
      await Promise.all(
        events.map((each, index) => store.append(A, [each], index === 0 ? "no_stream" : BigInt(index - 1))),
      );
      expect((await all(store)).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    });

    test("that fails does not harm those under way beside it", async () => {
      const taken = event();
      await store.append(A, [taken], "no_stream");
      const others = range(10).map((index) => store.append(own.named(index), [event(), event()], "no_stream"));
      const failing = [store.append(A, [event()], 5n), store.append(B, [event(), event(), taken], "no_stream")];
      const more = range(10).map((index) => store.append(own.named(10 + index), [event()], "no_stream"));
      expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      expect(await Promise.all([...others, ...more])).toHaveLength(20);
      expect(await all(store)).toHaveLength(31);
    });

    test("of nothing is INVALID_INPUT", () =>
      expect(store.append(A, [], "no_stream")).rejects.toMatchObject({ code: "INVALID_INPUT" }));

    test("of two events with one id is INVALID_INPUT", () => {
      const twice = event();
      return expect(store.append(A, [twice, twice], "no_stream")).rejects.toMatchObject({ code: "INVALID_INPUT" });
    });

    test("of text that UTF-8 cannot hold is INVALID_INPUT", async () => {
      for (const broken of [
        { data: '"\ud800"' },
        { metadata: '"\udc00"' },
        { type: "\ud800" },
        { id: "" },
        { data: "" },
      ]) {
        await expect(store.append(A, [{ ...event(), ...broken }], "no_stream")).rejects.toMatchObject({
          code: "INVALID_INPUT",
        });
      }
      await expect(store.append("", [event()], "no_stream")).rejects.toMatchObject({ code: "INVALID_INPUT" });
    });

    test("of almost a mebibyte is written, of more is TOO_LARGE, counted in bytes and not in characters", async () => {
      const large = { ...event(), data: JSON.stringify("x".repeat(1024 * 1024 - 1024)) };
      await store.append(A, [large], "no_stream");
      expect((await all(store))[0]?.data).toBe(large.data);
      const halves = [event("é".repeat(300_000)), event("é".repeat(300_000))];
      await expect(store.append(B, halves, "no_stream")).rejects.toMatchObject({ code: "TOO_LARGE" });
      expect(await revisions(store, B)).toEqual([]);
    });
  });

  describe(`${name}: readStream`, () => {
    beforeEach(async () => {
      await store.append(A, newEvents(4), "no_stream");
      await store.append(B, [event()], "no_stream");
      await store.append(A, newEvents(6), 3n);
    });

    test("gives the stream from its first event on, and nothing of others", async () => {
      const events = await collect(store.readStream(A));
      expect(events.map(({ revision }) => revision)).toEqual(range(10).map(BigInt));
      expect(new Set(events.map(({ stream }) => stream))).toEqual(new Set([A]));
    });

    test("gives the same whatever the size of a page", async () => {
      const whole = await collect(store.readStream(A));
      for (const pageSize of [1, 3, 10, 1000]) expect(await collect(store.readStream(A, { pageSize }))).toEqual(whole);
      const reversed = whole.toReversed();
      for (const pageSize of [1, 3, 10, 1000]) {
        expect(await collect(store.readStream(A, { pageSize, direction: "backwards" }))).toEqual(reversed);
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
      const events = await collect(store.readStream(A, options));
      expect(events.map(({ revision }) => Number(revision))).toEqual(expected);
    });

    test("takes any size of a page for the hint that it is", async () => {
      for (const pageSize of [0, -1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(await collect(store.readStream(A, { pageSize }))).toHaveLength(10);
      }
    });

    test("of a stream that is not there is empty, both ways", async () => {
      expect(await collect(store.readStream(own.named("none")))).toEqual([]);
      expect(await collect(store.readStream(own.named("none"), { direction: "backwards" }))).toEqual([]);
    });

    test("refuses a count or a revision that cannot be", async () => {
      for (const options of [{ maxCount: 0 }, { maxCount: 1.5 }, { from: -1n }]) {
        await expect(collect(store.readStream(A, options))).rejects.toMatchObject({ code: "INVALID_INPUT" });
      }
    });

    test("sees what was committed before it began", async () => {
      for (const index of range(20)) {
        await store.append(own.named("C"), [event()], index === 0 ? "no_stream" : BigInt(index - 1));
        expect(await collect(store.readStream(own.named("C"), { from: BigInt(index) }))).toHaveLength(1);
      }
    });

    test("gives large events too, several pages of them", async () => {
      const sizes = range(7).map((index) => 400_000 + index);
      for (const [index, size] of sizes.entries()) {
        await store.append(own.named("L"), [event("x".repeat(size))], index === 0 ? "no_stream" : BigInt(index - 1));
      }
      const lengths = (await collect(store.readStream(own.named("L")))).map(({ data }) => data.length);
      expect(lengths).toEqual(sizes.map((size) => size + event().data.length));
      const backwards = await collect(store.readStream(own.named("L"), { direction: "backwards", maxCount: 6 }));
      expect(backwards.map(({ data }) => data.length)).toEqual(lengths.slice(1).reverse());
    });

    test("that was aborted before or under way is ABORTED", async () => {
      await expect(collect(store.readStream(A, { signal: AbortSignal.abort() }))).rejects.toMatchObject({
        code: "ABORTED",
      });
      const abort = new AbortController();
      const seen: StoredEvent[] = [];
      const reading = (async () => {
        for await (const each of store.readStream(A, { signal: abort.signal, pageSize: 2 })) {
          if (seen.push(each) === 3) abort.abort();
        }
      })();
      await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
      expect(seen).toHaveLength(3);
    });

    test("that the reader breaks off leaves the store as it was", async () => {
      for await (const { revision } of store.readStream(A, { pageSize: 2 })) if (revision === 5n) break;
      expect(await revisions(store, A)).toHaveLength(10);
    });
  });

  describe(`${name}: readAll`, () => {
    test("gives all streams in the order of the commits, at positions that ascend as text and fit in a URL", async () => {
      await store.append(A, [event(), event()], "no_stream");
      await store.append(B, [event()], "no_stream");
      await store.append(A, [event()], 1n);
      const events = await all(store);
      expect(events.map(({ stream, revision }) => [stream, revision])).toEqual([
        [A, 0n],
        [A, 1n],
        [B, 0n],
        [A, 2n],
      ]);
      const positions = events.map(({ position }) => position);
      expect(positions).toEqual([...new Set(positions)].sort());
      for (const position of positions) expect(position).toMatch(/^[A-Za-z0-9._~-]+$/);
    });

    test("gives nothing before anything was appended, both ways", async () => {
      expect(await all(store)).toEqual([]);
      expect(own.among(await collect(store.readAll({ direction: "backwards" })))).toEqual([]);
    });

    test("reads after a position, before it when backwards, and at most so many", async () => {
      await store.append(A, newEvents(10), "no_stream");
      const events = await all(store);
      const fourth = events[3]?.position ?? "";
      const last = events[9]?.position ?? "";
      expect(await collect(store.readAll({ after: fourth }))).toEqual(events.slice(4));
      expect(await collect(store.readAll({ after: fourth, maxCount: 2, pageSize: 1 }))).toEqual(events.slice(4, 6));
      expect(await collect(store.readAll({ after: last }))).toEqual([]);
      expect(own.among(await collect(store.readAll({ after: fourth, direction: "backwards" })))).toEqual(
        events.slice(0, 3).reverse(),
      );
      expect(await collect(store.readAll({ direction: "backwards", maxCount: 2 }))).toEqual(events.slice(8).reverse());
      expect(own.among(await collect(store.readAll({ pageSize: 3, direction: "backwards" })))).toEqual(
        events.toReversed(),
      );
    });

    test("takes a position at which no event stands for its place in the order", async () => {
      await store.append(A, newEvents(5), "no_stream");
      const events = await all(store);
      for (const by of [-1, 1, 3, 1_000_000]) {
        const after = shifted(events[2]?.position ?? "", by);
        const isBehind = ({ position }: StoredEvent): boolean => position > after;
        const isBefore = ({ position }: StoredEvent): boolean => position < after;
        expect(own.among(await collect(store.readAll({ after })))).toEqual(events.filter(isBehind));
        expect(own.among(await collect(store.readAll({ after, direction: "backwards" })))).toEqual(
          events.filter(isBefore).toReversed(),
        );
      }
      const live = await listen(store, { after: shifted(events[0]?.position ?? "", -1) });
      expect(await live.take(5)).toEqual(events);
    });

    test("refuses a count that cannot be, and what is no position", async () => {
      for (const options of [{ maxCount: 0 }, { after: "here" }, { after: "" }, { after: "-1" }]) {
        await expect(collect(store.readAll(options))).rejects.toMatchObject({ code: "INVALID_INPUT" });
      }
    });

    test("that was aborted before or under way is ABORTED", async () => {
      await store.append(A, newEvents(5), "no_stream");
      const aborted = { code: "ABORTED" };
      await expect(collect(store.readAll({ signal: AbortSignal.abort() }))).rejects.toMatchObject(aborted);
      const abort = new AbortController();
      const reading = (async () => {
        for await (const _ of store.readAll({ signal: abort.signal, pageSize: 1 })) abort.abort();
      })();
      await expect(reading).rejects.toMatchObject(aborted);
    });

    test("sees what was committed before it began", async () => {
      for (const index of range(20)) {
        const { position } = await store.append(A, [event()], index === 0 ? "no_stream" : BigInt(index - 1));
        const [last] = await collect(store.readAll({ direction: "backwards", maxCount: 1 }));
        expect(last?.position).toBe(position);
      }
    });

    test("reads many pages while others append, without gap or repeat", async () => {
      await store.append(A, newEvents(500), "no_stream");
      const appending = (async () => {
        for (const index of range(50)) await store.append(B, [event()], index === 0 ? "no_stream" : BigInt(index - 1));
      })();
      const seen = own.among(await collect(store.readAll({ pageSize: 7 })));
      await appending;
      const events = await all(store);
      expect(events).toHaveLength(550);
      expect(seen).toEqual(events.slice(0, seen.length));
      expect(seen.length).toBeGreaterThanOrEqual(500);
    });
  });

  describe(`${name}: subscribe`, () => {
    test("from the start gives history, then what happens", async () => {
      await store.append(A, [event(), event()], "no_stream");
      const live = await listen(store, { after: "start" });
      expect(await live.take(2)).toEqual(await all(store));
      await store.append(B, [event()], "no_stream");
      expect(await live.take(1)).toEqual((await all(store)).slice(2));
    });

    test("from the end gives only what is appended once it is in place", async () => {
      await store.append(A, [event()], "no_stream");
      const live = await listen(store, { after: "end" });
      await store.append(A, [event()], 0n);
      expect((await live.take(1)).map(({ revision }) => revision)).toEqual([1n]);
    });

    test("from the end means when it was asked for, not when somebody begins to read", async () => {
      await store.append(A, [event()], "no_stream");
      const following = await store.subscribe({ after: "end" });
      const { position } = await store.append(A, [event()], 0n);
      for await (const each of following) {
        expect(each.position).toBe(position);
        break;
      }
    });

    test("from the end gives the first event, if there is none yet", async () => {
      const live = await listen(store, { after: "end" });
      await store.append(A, [event()], "no_stream");
      expect(await live.take(1)).toEqual(await all(store));
    });

    test("after a position gives what comes after it", async () => {
      await store.append(A, newEvents(5), "no_stream");
      const events = await all(store);
      const live = await listen(store, { after: events[2]?.position ?? "" });
      expect(await live.take(2)).toEqual(events.slice(3));
    });

    test("after what is no position is INVALID_INPUT", () =>
      expect(store.subscribe({ after: "here" })).rejects.toMatchObject({ code: "INVALID_INPUT" }));

    test.for(["start", "end", "position"] as const)("to one stream gives only that one, from the %s", async (from) => {
      await store.append(B, [event()], "no_stream");
      await store.append(A, [event()], "no_stream");
      const after = from === "position" ? ((await all(store))[1]?.position ?? "") : from;
      const live = await listen(store, { after, stream: A });
      await store.append(B, [event(), event()], 0n);
      await store.append(A, [event()], 0n);
      await store.append(B, [event()], 2n);
      await store.append(A, [event()], 1n);
      const expected = from === "start" ? [0n, 1n, 2n] : [1n, 2n];
      const seen = await live.take(expected.length);
      expect(seen.map(({ stream, revision }) => [stream, revision])).toEqual(expected.map((revision) => [A, revision]));
    });

    test("to one stream that begins later gives it from its first event", async () => {
      const live = await listen(store, { after: "end", stream: A });
      await store.append(B, [event()], "no_stream");
      await store.append(A, [event()], "no_stream");
      expect((await live.take(1)).map(({ revision }) => revision)).toEqual([0n]);
    });

    test("goes over from history to live without gap or repeat while many append", async () => {
      await store.append(A, newEvents(300), "no_stream");
      const live = await listen(store, { after: "start" });
      const appending = range(8).map(async (writer) => {
        for (const index of range(25)) {
          await store.append(own.named(writer), [event(), event()], index === 0 ? "no_stream" : BigInt(2 * index - 1));
        }
      });
      const seen = await live.take(700);
      await Promise.all(appending);
      expect(seen).toEqual(await all(store));
    });

    test("gives everything to a reader that is slow, and does not make the writers wait for it", async () => {
      const live = await listen(store, { after: "end" });
      await store.append(A, [event()], "no_stream");
      await live.take(1);
      for (const index of range(30)) await store.append(A, newEvents(100), BigInt(100 * index));
      expect((await live.take(3000)).map(({ revision }) => Number(revision))).toEqual(
        range(3000).map((index) => index + 1),
      );
    });

    test("gives all to each of several", async () => {
      const several = await Promise.all(range(5).map(() => listen(store, { after: "end" })));
      await store.append(A, [event(), event()], "no_stream");
      const events = await all(store);
      for (const live of several) expect(await live.take(2)).toEqual(events);
    });

    test("whose signal has aborted before ends at once", async () => {
      await store.append(A, [event()], "no_stream");
      const { iterator } = await listen(store, { after: "start", signal: AbortSignal.abort() });
      expect((await iterator.next()).done).toBe(true);
    });

    test("ends when its signal aborts, also while it waits or has yet to begin", async () => {
      const abort = new AbortController();
      const waiting = await listen(store, { after: "end", signal: abort.signal });
      const later = await listen(store, { after: "start", signal: abort.signal });
      const next = waiting.iterator.next();
      await store.append(A, [event()], "no_stream");
      expect((await next).done).toBe(false);
      const end = waiting.iterator.next();
      abort.abort();
      expect((await end).done).toBe(true);
      expect((await later.iterator.next()).done).toBe(true);
    });

    test("gives nothing more once its signal has aborted, however far it had read ahead", async () => {
      await store.append(A, newEvents(200), "no_stream");
      const abort = new AbortController();
      const { iterator } = await listen(store, { after: "start", signal: abort.signal });
      for (const _ of range(20)) expect((await iterator.next()).done).toBe(false);
      await new Promise((resolve) => setImmediate(resolve));
      const asked = range(3).map(() => iterator.next());
      abort.abort();
      expect((await Promise.all(asked)).map(({ done }) => done)).toEqual([true, true, true]);
      expect((await iterator.next()).done).toBe(true);
    });

    test("ends when the store closes", async () => {
      const waiting = await listen(store, { after: "end" });
      const later = await listen(store, { after: "start" });
      const end = waiting.iterator.next();
      await store.append(A, [event()], "no_stream");
      expect((await end).done).toBe(false);
      const closing = waiting.iterator.next();
      await store.close();
      expect((await closing).done).toBe(true);
      expect((await later.iterator.next()).done).toBe(true);
    });

    test("ends when its reader goes, also while it waits", async () => {
      const { iterator } = await listen(store, { after: "end" });
      const waiting = iterator.next();
      await iterator.return?.();
      expect((await waiting).done).toBe(true);
    });
  });

  describe(`${name}: changeCount`, () => {
    test("stays the same while nothing happens, or is NaN", async () => {
      await store.append(A, [event()], "no_stream");
      const count = store.changeCount();
      await all(store);
      expect([count, Number.NaN]).toContainEqual(store.changeCount());
    });

    test("differs after each append, at once", async () => {
      for (const index of range(10)) {
        const before = store.changeCount();
        await store.append(A, [event()], index === 0 ? "no_stream" : BigInt(index - 1));
        if (!Number.isNaN(before)) expect(store.changeCount()).not.toBe(before); // two NaN differ, but not for toBe
      }
    });
  });

  describe(`${name}: findEvent`, () => {
    test("finds an event of the stream by its id, or says that it cannot", async () => {
      const [one, two] = [event(), event()];
      await store.append(A, [one, two], "no_stream");
      expect([undefined, (await all(store))[1]]).toContainEqual(await store.findEvent(A, two.id));
    });

    test("finds nothing under an id that is not there or in another stream", async () => {
      const one = event();
      await store.append(A, [one], "no_stream");
      expect(await store.findEvent(A, v7())).toBeUndefined();
      expect(await store.findEvent(B, one.id)).toBeUndefined();
    });
  });

  describe(`${name}: keep`, () => {
    test("gives back the latest value, byte for byte", async () => {
      const name = own.named("snapshot of 🦉");
      expect(await store.kept(name)).toBeUndefined();
      await store.keep(name, '{"a": 1}');
      await store.keep(own.named("another"), "[]");
      const revision = await store.keep(name, ' {"a":\n"🦉"} ');
      expect(await store.kept(name)).toEqual({ value: ' {"a":\n"🦉"} ', revision });
    });

    test("raises the revision each time, also when the value is the same", async () => {
      const name = own.named("checkpoint");
      const revisions: bigint[] = [];
      for (const expected of [undefined, undefined, "then the last"] as const) {
        revisions.push(await store.keep(name, "1", expected && revisions.at(-1)));
        expect((await store.kept(name))?.revision).toBe(revisions.at(-1));
      }
      expect(new Set(revisions).size).toBe(3);
      expect(revisions).toEqual(revisions.toSorted((one, other) => Number(one - other)));
    });

    test("that expects a revision replaces that one only, and a conflict names the one that is there", async () => {
      const name = own.named("lease");
      const first = await store.keep(name, '"first"', "none");
      const second = await store.keep(name, '"second"', first);
      const actual = String(second);
      for (const expected of ["none", first, second + 1n, 2n ** 53n, 2n ** 64n] as const) {
        await expect(store.keep(name, '"late"', expected)).rejects.toMatchObject(conflict({ name, actual }));
      }
      expect(await store.kept(name)).toEqual({ value: '"second"', revision: second });
      const replaced = await store.keep(name, '"whatever was there"');
      await expect(store.keep(name, '"late"', second)).rejects.toMatchObject(conflict({ actual: String(replaced) }));
    });

    test("that expects a revision where nothing is kept is a conflict, and leaves nothing behind", async () => {
      const name = own.named("nothing");
      await expect(store.keep(name, "1", 0n)).rejects.toMatchObject(conflict({ name, actual: "none" }));
      expect(await store.kept(name)).toBeUndefined();
      await expect(store.keep(name, "1", -1n)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    });

    test("by many who expect the same: one succeeds, the others conflict, and its value is the one kept", async () => {
      const name = own.named("raced");
      let expected: ExpectedKept = "none";
      for (const round of range(3)) {
        const keeping = range(10).map((index) => store.keep(name, `"${round} ${index}"`, expected));
        const outcomes = await Promise.allSettled(keeping);
        const won = outcomes.flatMap((outcome, index) =>
          outcome.status === "fulfilled" ? [{ value: `"${round} ${index}"`, revision: outcome.value }] : [],
        );
        expect(won).toHaveLength(1);
        expect(await store.kept(name)).toEqual(won[0]);
        for (const outcome of outcomes) {
          if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(conflict({ name }));
        }
        expected = won[0]?.revision ?? "none";
      }
    });

    test("counts for many who read, change and keep it: no change is lost", async () => {
      const name = own.named("counter");
      async function increment(): Promise<void> {
        for (;;) {
          const there = await store.kept(name);
          try {
            await store.keep(name, String(Number(there?.value ?? 0) + 1), there?.revision ?? "none");
            return;
          } catch (error) {
            expect(error).toMatchObject(conflict({ name }));
          }
        }
      }
      await Promise.all(
        range(5).map(async () => {
          for (const _ of range(4)) await increment();
        }),
      );
      expect((await store.kept(name))?.value).toBe("20");
    });

    test("that is refused does not harm the appends and other values beside it", async () => {
      const outcomes = await Promise.allSettled([
        store.append(A, [event()], "no_stream"),
        store.keep(own.named("a"), "1", 7n),
        store.append(B, [event()], "no_stream"),
        store.keep(own.named("b"), "1", "none"),
        store.append(A, [event()], 0n),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual([
        "fulfilled",
        "rejected",
        "fulfilled",
        "fulfilled",
        "fulfilled",
      ]);
      expect(await revisions(store, A)).toEqual([0n, 1n]);
      expect((await store.kept(own.named("b")))?.value).toBe("1");
    });

    test("takes a value of several mebibytes", async () => {
      const large = JSON.stringify("x".repeat(5_000_000));
      const first = await store.keep(own.named("large"), large, "none");
      expect((await store.kept(own.named("large")))?.value).toBe(large);
      const noise = `"${randomBytes(2_000_000).toString("base64")}"`;
      const second = await store.keep(own.named("large"), noise, first);
      expect(await store.kept(own.named("large"))).toEqual({ value: noise, revision: second });
      await expect(store.keep(own.named("large"), large, first)).rejects.toMatchObject(conflict({}));
    });

    test("is no event", async () => {
      const last = (await collect(store.readAll({ direction: "backwards", maxCount: 1 })))[0]?.position;
      await store.keep(own.named("a"), "1");
      expect(await collect(store.readAll(last === undefined ? {} : { after: last }))).toEqual([]);
    });

    test("refuses a name that is empty, too long or not printable", async () => {
      for (const bad of ["", "x".repeat(401), "a\nb", "\ud800"]) {
        await expect(store.keep(bad, "1")).rejects.toMatchObject({ code: "INVALID_INPUT" });
        await expect(store.kept(bad)).rejects.toMatchObject({ code: "INVALID_INPUT" });
      }
    });
  });

  describe(`${name}: close`, () => {
    test("finishes the appends made before it, however many", async () => {
      const appending = range(1500).map((index) => store.append(own.named(index), [event()], "no_stream"));
      await store.close();
      expect((await Promise.all(appending)).every(({ revision }) => revision === 0n)).toBe(true);
    });

    test("may be called twice", async () => {
      await Promise.all([store.close(), store.close()]);
      await store.close();
    });

    test("is followed by CLOSED, whatever is asked", async () => {
      await store.append(A, [event()], "no_stream");
      await store.close();
      const closed = { code: "CLOSED" };
      await expect(store.append(A, [event()], 0n)).rejects.toMatchObject(closed);
      await expect(collect(store.readStream(A))).rejects.toMatchObject(closed);
      await expect(all(store)).rejects.toMatchObject(closed);
      await expect(store.subscribe({ after: "start" })).rejects.toMatchObject(closed);
      await expect(store.findEvent(A, v7())).rejects.toMatchObject(closed);
      await expect(store.keep("a", "1")).rejects.toMatchObject(closed);
      await expect(store.kept("a")).rejects.toMatchObject(closed);
      expect(() => store.changeCount()).toThrow(LedgerError);
    });
  });

  inOrder(name, open);
  underLoad(name, open);
}

const revisions = async (store: EventStore, stream: string): Promise<readonly bigint[]> =>
  (await collect(store.readStream(stream))).map(({ revision }) => revision);

/** JSON that a store which parses and prints it again would not give back. */
const TEXTS: readonly string[] = [
  '{ "a":\t1.50,\n"b":"\\u0000 𝕏 ✓" }',
  " null ",
  '{"z":1,"a":2,"a":3}',
  "1e2",
  "-0.0",
  "12345678901234567890",
  '"\\u00e9 \\/ \\" é e\u0301"',
  '"\u2028\u2029\ufeff\u007f\ufffd"',
  '"👩‍👩‍👧 🇨🇭"',
  '"it\'s; -- `$1` ?1 %s"',
  "[\r\n]\r\n",
  JSON.stringify("long ".repeat(20_000)),
];

const ODD_NAMES: readonly string[] = [
  "x",
  "X",
  "x ",
  " x",
  "x  y",
  "x y",
  "x%",
  "x_",
  "x*",
  "x-1",
  "x-1-2",
  "x'\"`",
  "x/../y?z#&=+",
  "%2F",
  "$x",
  "é",
  "e\u0301",
  "🦉".repeat(40),
  "l".repeat(140),
  "l".repeat(141),
];

/** A position so many steps further: maybe that of an event, maybe between two, maybe beyond all. */
const shifted = (position: string, by: number): string =>
  String(BigInt(position) + BigInt(by)).padStart(position.length, "0");

const conflict = (details: object): object => ({ name: "LedgerError", code: "CONFLICT", details });
