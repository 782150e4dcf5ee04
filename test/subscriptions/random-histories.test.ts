import fc from "fast-check";
import { expect, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { LedgerError } from "../../src/errors.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { virtualTime } from "./virtual-time.ts";

/** Readers of one name that are killed, paused and let go on, over a store that fails and loses answers. */
type Step =
  | { readonly kind: "record"; readonly count: number }
  | { readonly kind: "start" | "kill" | "pause" | "resume" | "oversleep"; readonly who: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "store"; readonly does: "work" | "refuse" | "lose answers" };

const HANDLING_MS = 400;
const who = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("record" as const), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom("start", "kill", "pause", "resume", "oversleep"), who }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(10, 500, 4_000, 15_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("store" as const),
      does: fc.constantFrom("work", "refuse", "lose answers"),
    }),
  },
);

async function play(steps: readonly Step[], failing: readonly boolean[]): Promise<void> {
  const time = virtualTime();
  const store = memoryEventStore();
  let does: "work" | "refuse" | "lose answers" = "work";
  const away = (): never => {
    throw new LedgerError("STORE_UNAVAILABLE", "away");
  };
  const faulty: EventStore = {
    ...store,
    close: async () => undefined,
    async keep(...call) {
      if (does === "refuse") away();
      const revision = await store.keep(...call);
      const [name, value] = call;
      if (name === "subscription/n") checkpoints.push(JSON.parse(value).checkpoint ?? "");
      return does === "lose answers" ? away() : revision;
    },
    kept: async (name) => (does === "refuse" ? away() : store.kept(name)),
  };
  const writer = new LocalLedger({ ...store, close: async () => undefined });
  const handled: string[] = [];
  const succeeded = new Set<string>();
  const checkpoints: string[] = [];
  let calls = 0;

  function reader(name: string) {
    const runtime = time.process(name);
    const ledger = new LocalLedger(faulty, { runtime, actor: name });
    void ledger.subscriptions.run({
      name: "n",
      maxAttempts: 3,
      backOff: { firstMs: 100, maxMs: 1_000 },
      leaseMs: 3_000,
      async handle(event) {
        handled.push(event.id);
        calls += 1;
        const fails = failing[calls % failing.length];
        await runtime.sleep(HANDLING_MS); // never over in a process that is paused or killed meanwhile
        if (fails) throw new Error("not now");
        succeeded.add(event.id);
      },
    });
    return { pause: () => runtime.stop(), resume: () => runtime.resume() };
  }

  const readers = new Map([0, 1, 2].map((index) => [index, reader(`${index}`)]));
  let recorded = 0;
  for (const each of [...steps, { kind: "store", does: "work" } as const]) {
    switch (each.kind) {
      case "record":
        for (let index = 0; index < each.count; index++) {
          const input = { project: "P", task: "regression", algorithm: "ols", metrics: {}, automaticDeploy: false };
          await writer.recordTraining(input);
          recorded += 1;
        }
        break;
      case "start":
        if (!readers.has(each.who)) readers.set(each.who, reader(`${each.who}`));
        break;
      case "kill":
        readers.get(each.who)?.pause();
        readers.delete(each.who);
        break;
      case "pause":
        readers.get(each.who)?.pause();
        break;
      case "resume":
        readers.get(each.who)?.resume();
        break;
      case "oversleep":
        await time.advance(HANDLING_MS / 2);
        readers.get(each.who)?.pause();
        await time.advance(15_000);
        readers.get(each.who)?.resume();
        await time.advance(HANDLING_MS);
        break;
      case "wait":
        await time.advance(each.ms);
        break;
      case "store":
        does = each.does;
        break;
    }
    await time.settle();
  }
  for (const one of readers.values()) one.pause();
  if (recorded === 0) return;
  reader("last");
  for (let minute = 0; minute < 10 && checkpoints.at(-1) !== (await headOf(store)); minute++)
    await time.advance(60_000);
  const ids: string[] = [];
  for await (const { id } of store.readAll()) ids.push(id);
  expect(ids).toHaveLength(recorded);
  expect([...new Set(handled)]).toEqual(ids); // each at least once, and first of all in order
  for (const { eventId } of await writer.subscriptions.parked("n")) succeeded.add(eventId);
  expect([...ids].filter((id) => !succeeded.has(id))).toEqual([]); // and done with, or parked
  expect(checkpoints).toEqual(checkpoints.toSorted()); // it never goes back
  expect(checkpoints.at(-1) || undefined).toBe(await headOf(store));
}

async function headOf(store: EventStore): Promise<string | undefined> {
  for await (const { position } of store.readAll({ direction: "backwards", maxCount: 1 })) return position;
  return undefined;
}

test("whatever is killed, paused or away: each event is handled, first in order, and the checkpoint never goes back", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }).filter((failing) => !failing.every(Boolean)),
      play,
    ),
    { numRuns: 40 },
  ));
