import { describe, expect, test } from "vitest";
import { event, type FreshStore, newEvents, range } from "../events.ts";

/** The part of the contract that is about subscriptions. */
export function subscribing(name: string, at: FreshStore): void {
  describe(`${name}: subscribe`, () => {
    test("from the start gives history, then what happens", async () => {
      await at.store.append(at.A, [event(), event()], "no_stream");
      const live = await at.listen({ after: "start" });
      expect(await live.take(2)).toEqual(await at.all());
      await at.store.append(at.B, [event()], "no_stream");
      expect(await live.take(1)).toEqual((await at.all()).slice(2));
    });

    test("from the end gives only what is appended once it is in place", async () => {
      await at.store.append(at.A, [event()], "no_stream");
      const live = await at.listen({ after: "end" });
      await at.store.append(at.A, [event()], 0n);
      expect((await live.take(1)).map(({ revision }) => revision)).toEqual([1n]);
    });

    test("from the end means when it was asked for, not when somebody begins to read", async () => {
      await at.store.append(at.A, [event()], "no_stream");
      const following = await at.store.subscribe({ after: "end" });
      const { position } = await at.store.append(at.A, [event()], 0n);
      for await (const each of following) {
        expect(each.position).toBe(position);
        break;
      }
    });

    test("from the end gives the first event, if there is none yet", async () => {
      const live = await at.listen({ after: "end" });
      await at.store.append(at.A, [event()], "no_stream");
      expect(await live.take(1)).toEqual(await at.all());
    });

    test("after a position gives what comes after it", async () => {
      await at.store.append(at.A, newEvents(5), "no_stream");
      const events = await at.all();
      const live = await at.listen({ after: events[2]?.position ?? "" });
      expect(await live.take(2)).toEqual(events.slice(3));
    });

    test("after what is no position is INVALID_INPUT", () =>
      expect(at.store.subscribe({ after: "here" })).rejects.toMatchObject({ code: "INVALID_INPUT" }));

    test.for(["start", "end", "position"] as const)("to one stream gives only that one, from the %s", async (from) => {
      await at.store.append(at.B, [event()], "no_stream");
      await at.store.append(at.A, [event()], "no_stream");
      const after = from === "position" ? ((await at.all())[1]?.position ?? "") : from;
      const live = await at.listen({ after, stream: at.A });
      await at.store.append(at.B, [event(), event()], 0n);
      await at.store.append(at.A, [event()], 0n);
      await at.store.append(at.B, [event()], 2n);
      await at.store.append(at.A, [event()], 1n);
      const expected = from === "start" ? [0n, 1n, 2n] : [1n, 2n];
      const seen = await live.take(expected.length);
      expect(seen.map(({ stream, revision }) => [stream, revision])).toEqual(
        expected.map((revision) => [at.A, revision]),
      );
    });

    test("to one stream that begins later gives it from its first event", async () => {
      const live = await at.listen({ after: "end", stream: at.A });
      await at.store.append(at.B, [event()], "no_stream");
      await at.store.append(at.A, [event()], "no_stream");
      expect((await live.take(1)).map(({ revision }) => revision)).toEqual([0n]);
    });

    test("goes over from history to live without gap or repeat while many append", async () => {
      await at.store.append(at.A, newEvents(300), "no_stream");
      const live = await at.listen({ after: "start" });
      const appending = range(8).map(async (writer) => {
        for (const index of range(25)) {
          await at.store.append(
            at.named(writer),
            [event(), event()],
            index === 0 ? "no_stream" : BigInt(2 * index - 1),
          );
        }
      });
      const seen = await live.take(700);
      await Promise.all(appending);
      expect(seen).toEqual(await at.all());
    });

    test("gives everything to a reader that is slow, and does not make the writers wait for it", async () => {
      const live = await at.listen({ after: "end" });
      await at.store.append(at.A, [event()], "no_stream");
      await live.take(1);
      for (const index of range(30)) await at.store.append(at.A, newEvents(100), BigInt(100 * index));
      expect((await live.take(3000)).map(({ revision }) => Number(revision))).toEqual(
        range(3000).map((index) => index + 1),
      );
    });

    test("gives all to each of several", async () => {
      const several = await Promise.all(range(5).map(() => at.listen({ after: "end" })));
      await at.store.append(at.A, [event(), event()], "no_stream");
      const events = await at.all();
      for (const live of several) expect(await live.take(2)).toEqual(events);
    });

    test("whose signal has aborted before ends at once", async () => {
      await at.store.append(at.A, [event()], "no_stream");
      const { iterator } = await at.listen({ after: "start", signal: AbortSignal.abort() });
      expect((await iterator.next()).done).toBe(true);
    });

    test("ends when its signal aborts, also while it waits or has yet to begin", async () => {
      const abort = new AbortController();
      const waiting = await at.listen({ after: "end", signal: abort.signal });
      const later = await at.listen({ after: "start", signal: abort.signal });
      const next = waiting.iterator.next();
      await at.store.append(at.A, [event()], "no_stream");
      expect((await next).done).toBe(false);
      const end = waiting.iterator.next();
      abort.abort();
      expect((await end).done).toBe(true);
      expect((await later.iterator.next()).done).toBe(true);
    });

    test("gives nothing more once its signal has aborted, however far it had read ahead", async () => {
      await at.store.append(at.A, newEvents(200), "no_stream");
      const abort = new AbortController();
      const { iterator } = await at.listen({ after: "start", signal: abort.signal });
      for (const _ of range(20)) expect((await iterator.next()).done).toBe(false);
      await new Promise((resolve) => setImmediate(resolve));
      const asked = range(3).map(() => iterator.next());
      abort.abort();
      expect((await Promise.all(asked)).map(({ done }) => done)).toEqual([true, true, true]);
      expect((await iterator.next()).done).toBe(true);
    });

    test("ends when the store closes", async () => {
      const waiting = await at.listen({ after: "end" });
      const later = await at.listen({ after: "start" });
      const end = waiting.iterator.next();
      await at.store.append(at.A, [event()], "no_stream");
      expect((await end).done).toBe(false);
      const closing = waiting.iterator.next();
      await at.store.close();
      expect((await closing).done).toBe(true);
      expect((await later.iterator.next()).done).toBe(true);
    });

    test("ends when its reader goes, also while it waits", async () => {
      const { iterator } = await at.listen({ after: "end" });
      const waiting = iterator.next();
      await iterator.return?.();
      expect((await waiting).done).toBe(true);
    });
  });
}
