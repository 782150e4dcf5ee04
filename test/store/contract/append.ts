import { describe, expect, test } from "vitest";
import type { EventStore } from "../../../src/store/event-store.ts";
import { collect, event, type FreshStore, newEvents, range } from "../events.ts";

/** The part of the contract that is about one append. */
export function appending(name: string, at: FreshStore): void {
  describe(`${name}: append`, () => {
    test("answers with the revision and the position of the last event", async () => {
      const appended = await at.store.append(at.A, [event(), event(), event()], "no_stream");
      expect(appended.revision).toBe(2n);
      expect((await at.all()).at(-1)?.position).toBe(appended.position);
    });

    test("goes on where the stream ends", async () => {
      await at.store.append(at.A, [event(), event()], "no_stream");
      expect((await at.store.append(at.A, [event()], 1n)).revision).toBe(2n);
    });

    test("keeps every text byte for byte", async () => {
      const written = TEXTS.map((data) => ({ ...event(), type: "Ünï 🦉", data, metadata: data }));
      await at.store.append(at.named("naïve 🦉/%2F-x"), written, "no_stream");
      const read = await at.all();
      expect(read).toMatchObject(written);
      expect(new Set(read.map(({ stream }) => stream))).toEqual(new Set([at.named("naïve 🦉/%2F-x")]));
    });

    test("keeps streams apart whose names differ by a space, a case, a wildcard or the composition of a letter", async () => {
      for (const name of ODD_NAMES) await at.store.append(at.named(name), [event(name), event(name)], "no_stream");
      for (const name of ODD_NAMES) {
        const found = await collect(at.store.readStream(at.named(name)));
        expect(found.map(({ stream, data }) => [stream, data])).toEqual(
          range(2).map(() => [at.named(name), event(name).data]),
        );
      }
    });

    test("gives the positions that every read and subscription gives", async () => {
      const one = await at.store.append(at.A, newEvents(2), "no_stream");
      const other = await at.store.append(at.B, [event()], "no_stream");
      const again = await at.store.append(at.A, [event()], 1n);
      const read = await at.all();
      expect(read.slice(1).map(({ position }) => position)).toEqual([one.position, other.position, again.position]);
      const ofA = read.filter(({ stream }) => stream === at.A);
      expect(await collect(at.store.readStream(at.A))).toEqual(ofA);
      expect(await (await at.listen({ after: "start" })).take(4)).toEqual(read);
      expect(await (await at.listen({ after: "start", stream: at.A })).take(3)).toEqual(ofA);
    });

    test("that expects no stream is a conflict when there is one, and names its revision", async () => {
      await at.store.append(at.A, [event(), event()], "no_stream");
      await expect(at.store.append(at.A, [event()], "no_stream")).rejects.toMatchObject(conflict({ actual: "1" }));
    });

    test("that expects a revision is a conflict when the stream is behind it", async () => {
      await at.store.append(at.A, [event()], "no_stream");
      await expect(at.store.append(at.A, [event()], 1n)).rejects.toMatchObject(conflict({ actual: "0" }));
    });

    test("that expects a revision is a conflict when the stream is ahead of it", async () => {
      await at.store.append(at.A, [event(), event()], "no_stream");
      await expect(at.store.append(at.A, [event()], 0n)).rejects.toMatchObject(conflict({ actual: "1" }));
    });

    test("that expects a revision is a conflict when there is no stream", async () => {
      await expect(at.store.append(at.A, [event()], 0n)).rejects.toMatchObject(conflict({ actual: "no_stream" }));
    });

    test("that expects a revision which no stream will ever reach is a conflict, and harms nobody beside it", async () => {
      const beside = at.store.append(at.B, [event()], "no_stream");
      for (const beyond of [2n ** 53n, 2n ** 64n, 10n ** 400n]) {
        await expect(at.store.append(at.A, [event()], beyond)).rejects.toMatchObject(conflict({ actual: "no_stream" }));
      }
      expect((await beside).revision).toBe(0n);
    });

    test("that was refused leaves nothing behind", async () => {
      await at.store.append(at.A, [event()], "no_stream");
      await at.store.append(at.A, [event(), event()], 7n).catch(() => undefined);
      expect(await revisions(at.store, at.A)).toEqual([0n]);
    });

    test("repeated gives the first result and writes nothing", async () => {
      const events = [event(), event()];
      const first = await at.store.append(at.A, events, "no_stream");
      expect(await at.store.append(at.A, events, "no_stream")).toEqual(first);
      expect(await revisions(at.store, at.A)).toEqual([0n, 1n]);
    });

    test("repeated after later events still gives the first result", async () => {
      await at.store.append(at.A, [event()], "no_stream");
      const events = [event(), event()];
      const first = await at.store.append(at.A, events, 0n);
      await at.store.append(at.A, [event()], 2n);
      await at.store.append(at.B, [event()], "no_stream");
      expect(await at.store.append(at.A, events, 0n)).toEqual(first);
    });

    test("sent twice at once is written once, and both are told the same", async () => {
      const events = [event(), event()];
      const [one, other] = await Promise.all([
        at.store.append(at.A, events, "no_stream"),
        at.store.append(at.A, events, "no_stream"),
      ]);
      expect(one).toEqual(other);
      expect(await revisions(at.store, at.A)).toEqual([0n, 1n]);
    });

    test("that repeats what another append wrote of it and brings something new is a conflict, and writes nothing", async () => {
      const [one, two] = [event(), event()];
      await at.store.append(at.A, [one], "no_stream");
      await at.store.append(at.A, [two], 0n);
      await expect(at.store.append(at.A, [two, event()], 0n)).rejects.toMatchObject(conflict({ actual: "1" }));
      await expect(at.store.append(at.A, [event(), two], 1n)).rejects.toMatchObject(conflict({ actual: "1" }));
      expect(await revisions(at.store, at.A)).toEqual([0n, 1n]);
    });

    test("repeated with an event more is a conflict", async () => {
      const [one, two] = [event(), event()];
      await at.store.append(at.A, [one], "no_stream");
      await expect(at.store.append(at.A, [one, two], "no_stream")).rejects.toMatchObject(conflict({ actual: "0" }));
    });

    test("repeated with another event in the middle is a conflict", async () => {
      const [one, two, three] = [event(), event(), event()];
      await at.store.append(at.A, [one, two, three], "no_stream");
      await expect(at.store.append(at.A, [one, event(), three], "no_stream")).rejects.toMatchObject(conflict({}));
    });

    test("repeated in another order is a conflict", async () => {
      const [one, two] = [event(), event()];
      await at.store.append(at.A, [one, two], "no_stream");
      await expect(at.store.append(at.A, [two, one], "no_stream")).rejects.toMatchObject(conflict({}));
    });

    test("repeated with another expected revision is a conflict", async () => {
      const events = [event()];
      await at.store.append(at.A, events, "no_stream");
      await expect(at.store.append(at.A, events, 0n)).rejects.toMatchObject(conflict({ actual: "0" }));
    });

    test("with an id that another stream has is a conflict, and none of it is written", async () => {
      const taken = event();
      await at.store.append(at.A, [taken], "no_stream");
      await expect(at.store.append(at.B, [event(), event(), taken], "no_stream")).rejects.toMatchObject(
        conflict({ actual: "no_stream", id: taken.id }),
      );
      expect(await revisions(at.store, at.B)).toEqual([]);
    });

    test("with the very ids of an append to another stream is a conflict", async () => {
      const events = [event(), event()];
      await at.store.append(at.A, events, "no_stream");
      await expect(at.store.append(at.B, events, "no_stream")).rejects.toMatchObject(conflict({ actual: "no_stream" }));
    });

    test("after a conflict of ids goes on without a gap in the revisions", async () => {
      const taken = event();
      await at.store.append(at.A, [taken], "no_stream");
      await at.store.append(at.A, [event(), taken], 0n).catch(() => undefined);
      await at.store.append(at.A, [event()], 0n);
      expect(await revisions(at.store, at.A)).toEqual([0n, 1n]);
    });

    test("of many at once with the same expectation: one wins, the others conflict", async () => {
      await at.store.append(at.A, [event()], "no_stream");
      const outcomes = await Promise.allSettled(range(20).map(() => at.store.append(at.A, [event()], 0n)));
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(conflict({ actual: "1" }));
      }
    });

    test("of many at once to one stream, each expecting the one before, are written in the order of the calls", async () => {
      const events = newEvents(20);
      await Promise.all(
        events.map((each, index) => at.store.append(at.A, [each], index === 0 ? "no_stream" : BigInt(index - 1))),
      );
      expect((await at.all()).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    });

    test("that fails does not harm those under way beside it", async () => {
      const taken = event();
      await at.store.append(at.A, [taken], "no_stream");
      const others = range(10).map((index) => at.store.append(at.named(index), [event(), event()], "no_stream"));
      const failing = [
        at.store.append(at.A, [event()], 5n),
        at.store.append(at.B, [event(), event(), taken], "no_stream"),
      ];
      const more = range(10).map((index) => at.store.append(at.named(10 + index), [event()], "no_stream"));
      expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      expect(await Promise.all([...others, ...more])).toHaveLength(20);
      expect(await at.all()).toHaveLength(31);
    });

    test("of nothing is INVALID_INPUT", () =>
      expect(at.store.append(at.A, [], "no_stream")).rejects.toMatchObject({ code: "INVALID_INPUT" }));

    test("of two events with one id is INVALID_INPUT", () => {
      const twice = event();
      return expect(at.store.append(at.A, [twice, twice], "no_stream")).rejects.toMatchObject({
        code: "INVALID_INPUT",
      });
    });

    test("of text that UTF-8 cannot hold is INVALID_INPUT", async () => {
      for (const broken of [
        { data: '"\ud800"' },
        { metadata: '"\udc00"' },
        { type: "\ud800" },
        { id: "" },
        { data: "" },
      ]) {
        await expect(at.store.append(at.A, [{ ...event(), ...broken }], "no_stream")).rejects.toMatchObject({
          code: "INVALID_INPUT",
        });
      }
      await expect(at.store.append("", [event()], "no_stream")).rejects.toMatchObject({ code: "INVALID_INPUT" });
    });

    test("of almost a mebibyte is written, of more is TOO_LARGE, counted in bytes and not in characters", async () => {
      const large = { ...event(), data: JSON.stringify("x".repeat(1024 * 1024 - 1024)) };
      await at.store.append(at.A, [large], "no_stream");
      expect((await at.all())[0]?.data).toBe(large.data);
      const halves = [event("é".repeat(300_000)), event("é".repeat(300_000))];
      await expect(at.store.append(at.B, halves, "no_stream")).rejects.toMatchObject({ code: "TOO_LARGE" });
      expect(await revisions(at.store, at.B)).toEqual([]);
    });
  });
}

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

const conflict = (details: object): object => ({ name: "LedgerError", code: "CONFLICT", details });

const revisions = async (store: EventStore, stream: string): Promise<readonly bigint[]> =>
  (await collect(store.readStream(stream))).map(({ revision }) => revision);
