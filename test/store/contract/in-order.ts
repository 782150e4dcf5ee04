import { describe, expect, test } from "vitest";
import type { Append } from "../../../src/store/event-store.ts";
import { event, type FreshStore, newEvents, range } from "../events.ts";

/** The part of the contract that is about several appends in one call. */
export function inOrder(name: string, at: FreshStore): void {
  /** `rounds` appends to each of so many streams, one stream after the other. */
  function interleaved(streams: number, rounds: number): Append[] {
    return range(streams * rounds).map((index) => {
      const round = Math.floor(index / streams);
      const expected = round === 0 ? "no_stream" : BigInt(round - 1);
      return { stream: at.named(index % streams), events: [event(String(index))], expected };
    });
  }
  const idsOf = (appends: readonly Append[]) => appends.flatMap(({ events }) => events.map(({ id }) => id));
  const written = async () => (await at.all()).map(({ id }) => id);

  describe(`${name}: appendInOrder`, () => {
    test("writes all of them, in their order", async () => {
      const appends = [
        ...interleaved(7, 20),
        { stream: at.named("more"), events: newEvents(3), expected: "no_stream" as const },
      ];
      await at.store.appendInOrder(appends);
      expect(await written()).toEqual(idsOf(appends));
    });

    test("of nothing writes nothing", async () => {
      await at.store.appendInOrder([]);
      expect(await written()).toEqual([]);
    });

    test("passes over what it wrote before", async () => {
      const appends = interleaved(3, 4);
      await at.store.appendInOrder(appends.slice(0, 5));
      await at.store.appendInOrder(appends);
      expect(await written()).toEqual(idsOf(appends));
    });

    test("ends before the first that cannot be written", async () => {
      const appends = interleaved(3, 4);
      await at.store.append(at.named(1), [event("somebody else's")], "no_stream");
      await expect(at.store.appendInOrder(appends)).rejects.toMatchObject({
        code: "CONFLICT",
        details: { actual: "0" },
      });
      expect((await written()).slice(1)).toEqual(idsOf(appends.slice(0, 1)));
    });

    test("writes nothing where one of them is too large for any append", async () => {
      const large = { ...event(), data: JSON.stringify("x".repeat(1_048_576)) };
      const appends: Append[] = [...interleaved(2, 2), { stream: at.B, events: [large], expected: "no_stream" }];
      await expect(at.store.appendInOrder(appends)).rejects.toMatchObject({ code: "TOO_LARGE" });
      expect(await written()).toEqual([]);
    });

    test("is seen by those who subscribed", async () => {
      const following = await at.listen({ after: "end" });
      const appends = interleaved(3, 4);
      await at.store.appendInOrder(appends);
      expect((await following.take(appends.length)).map(({ id }) => id)).toEqual(idsOf(appends));
    });

    test("stands beside appends that are under way, and both are whole", async () => {
      const appends = interleaved(3, 10);
      const others = range(10).map((index) => at.store.append(at.named(`other ${index}`), newEvents(2), "no_stream"));
      await Promise.all([at.store.appendInOrder(appends), ...others]);
      const ids = new Set(idsOf(appends));
      expect((await written()).filter((id) => ids.has(id))).toEqual(idsOf(appends));
      expect(await written()).toHaveLength(appends.length + 20);
    });

    test("is refused by a store that is closed", async () => {
      await at.store.close();
      await expect(at.store.appendInOrder(interleaved(1, 1))).rejects.toMatchObject({ code: "CLOSED" });
    });
  });
}
