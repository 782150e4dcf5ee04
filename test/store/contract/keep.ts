import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { EventStore, ExpectedKept } from "../../../src/store/event-store.ts";
import { collect, event, type FreshStore, range } from "../events.ts";

/** The part of the contract that is about values that are kept under a name. */
export function keeping(name: string, at: FreshStore): void {
  describe(`${name}: keep`, () => {
    test("gives back the latest value, byte for byte", async () => {
      const name = at.named("snapshot of 🦉");
      expect(await at.store.kept(name)).toBeUndefined();
      await at.store.keep(name, '{"a": 1}');
      await at.store.keep(at.named("another"), "[]");
      const revision = await at.store.keep(name, ' {"a":\n"🦉"} ');
      expect(await at.store.kept(name)).toEqual({ value: ' {"a":\n"🦉"} ', revision });
    });

    test("raises the revision each time, also when the value is the same", async () => {
      const name = at.named("checkpoint");
      const revisions: bigint[] = [];
      for (const expected of [undefined, undefined, "then the last"] as const) {
        revisions.push(await at.store.keep(name, "1", expected && revisions.at(-1)));
        expect((await at.store.kept(name))?.revision).toBe(revisions.at(-1));
      }
      expect(new Set(revisions).size).toBe(3);
      expect(revisions).toEqual(revisions.toSorted((one, other) => Number(one - other)));
    });

    test("that expects a revision replaces that one only, and a conflict names the one that is there", async () => {
      const name = at.named("lease");
      const first = await at.store.keep(name, '"first"', "none");
      const second = await at.store.keep(name, '"second"', first);
      const actual = String(second);
      for (const expected of ["none", first, second + 1n, 2n ** 53n, 2n ** 64n] as const) {
        await expect(at.store.keep(name, '"late"', expected)).rejects.toMatchObject(conflict({ name, actual }));
      }
      expect(await at.store.kept(name)).toEqual({ value: '"second"', revision: second });
      const replaced = await at.store.keep(name, '"whatever was there"');
      await expect(at.store.keep(name, '"late"', second)).rejects.toMatchObject(conflict({ actual: String(replaced) }));
    });

    test("that expects a revision where nothing is kept is a conflict, and leaves nothing behind", async () => {
      const name = at.named("nothing");
      await expect(at.store.keep(name, "1", 0n)).rejects.toMatchObject(conflict({ name, actual: "none" }));
      expect(await at.store.kept(name)).toBeUndefined();
      await expect(at.store.keep(name, "1", -1n)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    });

    test("by many who expect the same: one succeeds, the others conflict, and its value is the one kept", async () => {
      const name = at.named("raced");
      let expected: ExpectedKept = "none";
      for (const round of range(3)) {
        const keeping = range(10).map((index) => at.store.keep(name, `"${round} ${index}"`, expected));
        const outcomes = await Promise.allSettled(keeping);
        const won = outcomes.flatMap((outcome, index) =>
          outcome.status === "fulfilled" ? [{ value: `"${round} ${index}"`, revision: outcome.value }] : [],
        );
        expect(won).toHaveLength(1);
        expect(await at.store.kept(name)).toEqual(won[0]);
        for (const outcome of outcomes) {
          if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(conflict({ name }));
        }
        expected = won[0]?.revision ?? "none";
      }
    });

    test("counts for many who read, change and keep it: no change is lost", async () => {
      const name = at.named("counter");
      async function increment(): Promise<void> {
        for (;;) {
          const there = await at.store.kept(name);
          try {
            await at.store.keep(name, String(Number(there?.value ?? 0) + 1), there?.revision ?? "none");
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
      expect((await at.store.kept(name))?.value).toBe("20");
    });

    test("that is refused does not harm the appends and other values beside it", async () => {
      const outcomes = await Promise.allSettled([
        at.store.append(at.A, [event()], "no_stream"),
        at.store.keep(at.named("a"), "1", 7n),
        at.store.append(at.B, [event()], "no_stream"),
        at.store.keep(at.named("b"), "1", "none"),
        at.store.append(at.A, [event()], 0n),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual([
        "fulfilled",
        "rejected",
        "fulfilled",
        "fulfilled",
        "fulfilled",
      ]);
      expect(await revisions(at.store, at.A)).toEqual([0n, 1n]);
      expect((await at.store.kept(at.named("b")))?.value).toBe("1");
    });

    test("takes a value of several mebibytes", async () => {
      const large = JSON.stringify("x".repeat(5_000_000));
      const first = await at.store.keep(at.named("large"), large, "none");
      expect((await at.store.kept(at.named("large")))?.value).toBe(large);
      const noise = `"${randomBytes(2_000_000).toString("base64")}"`;
      const second = await at.store.keep(at.named("large"), noise, first);
      expect(await at.store.kept(at.named("large"))).toEqual({ value: noise, revision: second });
      await expect(at.store.keep(at.named("large"), large, first)).rejects.toMatchObject(conflict({}));
    });

    test("is no event", async () => {
      const last = (await collect(at.store.readAll({ direction: "backwards", maxCount: 1 })))[0]?.position;
      await at.store.keep(at.named("a"), "1");
      expect(await collect(at.store.readAll(last === undefined ? {} : { after: last }))).toEqual([]);
    });

    test("refuses a name that is empty, too long or not printable", async () => {
      for (const bad of ["", "x".repeat(401), "a\nb", "\ud800"]) {
        await expect(at.store.keep(bad, "1")).rejects.toMatchObject({ code: "INVALID_INPUT" });
        await expect(at.store.kept(bad)).rejects.toMatchObject({ code: "INVALID_INPUT" });
      }
    });
  });
}

const conflict = (details: object): object => ({ name: "LedgerError", code: "CONFLICT", details });

const revisions = async (store: EventStore, stream: string): Promise<readonly bigint[]> =>
  (await collect(store.readStream(stream))).map(({ revision }) => revision);
