import { v7 } from "uuid";
import { describe, expect, test } from "vitest";
import { LedgerError } from "../../../src/errors.ts";
import { collect, event, type FreshStore, range } from "../events.ts";

/** The part of the contract that is about counting changes, finding an event by its id, and closing. */
export function standing(name: string, at: FreshStore): void {
  describe(`${name}: changeCount`, () => {
    test("stays the same while nothing happens, or is NaN", async () => {
      await at.store.append(at.A, [event()], "no_stream");
      const count = at.store.changeCount();
      await at.all();
      expect([count, Number.NaN]).toContainEqual(at.store.changeCount());
    });

    test("differs after each append, at once", async () => {
      for (const index of range(10)) {
        const before = at.store.changeCount();
        await at.store.append(at.A, [event()], index === 0 ? "no_stream" : BigInt(index - 1));
        if (!Number.isNaN(before)) expect(at.store.changeCount()).not.toBe(before); // two NaN differ, but not for toBe
      }
    });
  });

  describe(`${name}: changeCount of what is kept`, () => {
    test("differs after each keep under that name, at once, also the first", async () => {
      const keptAs = v7();
      for (const value of ["1", "2", "2"]) {
        const before = at.store.changeCount(keptAs);
        await at.store.keep(keptAs, value);
        if (!Number.isNaN(before)) expect(at.store.changeCount(keptAs)).not.toBe(before);
      }
    });

    test("stays the same whatever else happens, or is NaN", async () => {
      const keptAs = v7();
      for (const isKept of [false, true]) {
        if (isKept) await at.store.keep(keptAs, "1");
        const count = at.store.changeCount(keptAs);
        await at.store.append(at.A, [event()], isKept ? 0n : "no_stream");
        await at.store.keep(v7(), "1");
        expect([count, Number.NaN]).toContainEqual(at.store.changeCount(keptAs));
      }
    });
  });

  describe(`${name}: findEvent`, () => {
    test("finds an event of the stream by its id, or says that it cannot", async () => {
      const [one, two] = [event(), event()];
      await at.store.append(at.A, [one, two], "no_stream");
      expect([undefined, (await at.all())[1]]).toContainEqual(await at.store.findEvent(at.A, two.id));
    });

    test("finds nothing under an id that is not there or in another stream", async () => {
      const one = event();
      await at.store.append(at.A, [one], "no_stream");
      expect(await at.store.findEvent(at.A, v7())).toBeUndefined();
      expect(await at.store.findEvent(at.B, one.id)).toBeUndefined();
    });
  });

  describe(`${name}: close`, () => {
    test("finishes the appends made before it, however many", async () => {
      const appending = range(1500).map((index) => at.store.append(at.named(index), [event()], "no_stream"));
      await at.store.close();
      expect((await Promise.all(appending)).every(({ revision }) => revision === 0n)).toBe(true);
    });

    test("may be called twice", async () => {
      await Promise.all([at.store.close(), at.store.close()]);
      await at.store.close();
    });

    test("is followed by CLOSED, whatever is asked", async () => {
      await at.store.append(at.A, [event()], "no_stream");
      await at.store.close();
      const closed = { code: "CLOSED" };
      await expect(at.store.append(at.A, [event()], 0n)).rejects.toMatchObject(closed);
      await expect(collect(at.store.readStream(at.A))).rejects.toMatchObject(closed);
      await expect(at.all()).rejects.toMatchObject(closed);
      await expect(at.store.subscribe({ after: "start" })).rejects.toMatchObject(closed);
      await expect(at.store.findEvent(at.A, v7())).rejects.toMatchObject(closed);
      await expect(at.store.keep("a", "1")).rejects.toMatchObject(closed);
      await expect(at.store.kept("a")).rejects.toMatchObject(closed);
      expect(() => at.store.changeCount()).toThrow(LedgerError);
    });
  });
}
