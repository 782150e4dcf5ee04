import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Append, EventStore } from "../../src/store/event-store.ts";
import { event, newEvents, type OwnStreams, ownStreams, range } from "./events.ts";

/** The part of the contract that is about several appends in one call. */
export function inOrder(name: string, open: () => Promise<EventStore>): void {
  let own: OwnStreams;
  let store: EventStore;

  beforeEach(async () => {
    own = ownStreams();
    store = await open();
  });
  afterEach(() => store.close());

  /** `rounds` appends to each of so many streams, one stream after the other. */
  function interleaved(streams: number, rounds: number): Append[] {
    return range(streams * rounds).map((index) => {
      const round = Math.floor(index / streams);
      const expected = round === 0 ? "no_stream" : BigInt(round - 1);
      return { stream: own.named(index % streams), events: [event(String(index))], expected };
    });
  }
  const idsOf = (appends: readonly Append[]) => appends.flatMap(({ events }) => events.map(({ id }) => id));
  const written = async () => (await own.all(store)).map(({ id }) => id);

  describe(`${name}: appendInOrder`, () => {
    test("writes all of them, in their order", async () => {
      const appends = [
        ...interleaved(7, 20),
        { stream: own.named("more"), events: newEvents(3), expected: "no_stream" as const },
      ];
      await store.appendInOrder(appends);
      expect(await written()).toEqual(idsOf(appends));
    });

    test("of nothing writes nothing", async () => {
      await store.appendInOrder([]);
      expect(await written()).toEqual([]);
    });

    test("passes over what it wrote before", async () => {
      const appends = interleaved(3, 4);
      await store.appendInOrder(appends.slice(0, 5));
      await store.appendInOrder(appends);
      expect(await written()).toEqual(idsOf(appends));
    });

    test("ends before the first that cannot be written", async () => {
      const appends = interleaved(3, 4);
      await store.append(own.named(1), [event("somebody else's")], "no_stream");
      await expect(store.appendInOrder(appends)).rejects.toMatchObject({
        code: "CONFLICT",
        details: { actual: "0" },
      });
      expect((await written()).slice(1)).toEqual(idsOf(appends.slice(0, 1)));
    });

    test("writes nothing where one of them is too large for any append", async () => {
      const large = { ...event(), data: JSON.stringify("x".repeat(1_048_576)) };
      const appends: Append[] = [...interleaved(2, 2), { stream: own.B, events: [large], expected: "no_stream" }];
      await expect(store.appendInOrder(appends)).rejects.toMatchObject({ code: "TOO_LARGE" });
      expect(await written()).toEqual([]);
    });

    test("is seen by those who subscribed", async () => {
      const following = await own.listen(store, { after: "end" });
      const appends = interleaved(3, 4);
      await store.appendInOrder(appends);
      expect((await following.take(appends.length)).map(({ id }) => id)).toEqual(idsOf(appends));
    });

    test("stands beside appends that are under way, and both are whole", async () => {
      const appends = interleaved(3, 10);
      const others = range(10).map((index) => store.append(own.named(`other ${index}`), newEvents(2), "no_stream"));
      await Promise.all([store.appendInOrder(appends), ...others]);
      const ids = new Set(idsOf(appends));
      expect((await written()).filter((id) => ids.has(id))).toEqual(idsOf(appends));
      expect(await written()).toHaveLength(appends.length + 20);
    });

    test("is refused by a store that is closed", async () => {
      await store.close();
      await expect(store.appendInOrder(interleaved(1, 1))).rejects.toMatchObject({ code: "CLOSED" });
    });
  });
}
