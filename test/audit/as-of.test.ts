import fc from "fast-check";
import { expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { systemRuntime } from "../../src/runtime.ts";
import { codeOf, onEveryLedger } from "../ledger/stores.ts";

const project = "Digits";
const START = Date.UTC(2026, 0, 1);
const second = (count: number): string => new Date(START + count * 1_000).toISOString();

/** Deployments of alternating models; each at a second of the ledger's clock and at one of the caller's. */
async function withDeployments(
  open: (options: { runtime: ReturnType<typeof systemRuntime> }) => Promise<Ledger>,
  times: readonly { readonly recorded: number; readonly said: number }[],
): Promise<Ledger> {
  let now = START;
  const ledger = await open({ runtime: { ...systemRuntime(), now: () => now } });
  for (const f1 of [0.1, 0.2]) {
    const training = { project, task: "classification", algorithm: "svm", metrics: { f1 }, automaticDeploy: false };
    await ledger.recordTraining({ ...training, task: "classification" });
  }
  for (const [index, { recorded, said }] of times.entries()) {
    now = START + recorded * 1_000;
    await ledger.deploy({ project, model: 1 + (index % 2), deployedAt: second(said) });
  }
  return ledger;
}

onEveryLedger((place) => {
  test("recorded time decides unless the caller's own clock is asked for; ties go to the later in the log", async () => {
    await using ledger = await withDeployments(place().open, [
      { recorded: 10, said: 10 },
      { recorded: 20, said: 5 }, // told late
      { recorded: 30, said: 10 }, // the same moment as the first
    ]);
    const at = async (time: string, by?: "deployedAt" | "recordedAt") =>
      (await ledger.activeModel(project, { at: time, ...(by && { by }) }))?.number;
    expect(await at(second(5))).toBeUndefined();
    expect(await at(second(5), "deployedAt")).toBe(2);
    expect(await at(second(9), "deployedAt")).toBe(2);
    expect(await at(second(10), "deployedAt")).toBe(3);
    expect(await at(second(10))).toBe(1);
    expect(await at(second(25), "recordedAt")).toBe(2);
    const tiles = async (by: "deployedAt" | "recordedAt") =>
      (await ledger.timeline(project, { by })).map((one) => [one.deployment.number, one.activeFrom, one.activeTo]);
    expect(await tiles("deployedAt")).toEqual([
      [2, second(5), second(10)],
      [1, second(10), second(10)],
      [3, second(10), null],
    ]);
    expect(await tiles("recordedAt")).toEqual([
      [1, second(10), second(20)],
      [2, second(20), second(30)],
      [3, second(30), null],
    ]);
  });

  test("an answer about the past stays as it was given, whichever metric decides later", async () => {
    await using ledger = await withDeployments(place().open, [{ recorded: 10, said: 10 }]);
    const past = { at: second(10) };
    const asked = () =>
      Promise.all([
        ledger.activeModel(project, past),
        ledger.activeModel(project, { at: { revision: 2n } }),
        ledger.activeModels(past).toArray(),
      ]);
    const first = await asked();
    expect(first[0]?.score).toBe(0.1);
    await ledger.setPolicy({ project, policy: { metric: "loss", goal: "minimize" } });
    expect(await asked()).toEqual(first);
    expect((await ledger.activeModel(project))?.score).toBeNull();
  });

  test("by either clock the tiles leave no gap, and as-of is the tile that holds the moment", async () => {
    const seconds = fc.integer({ min: 0, max: 12 });
    const times = fc.array(fc.record({ recorded: seconds, said: seconds }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(times, fc.constantFrom("recordedAt", "deployedAt"), async (given, by) => {
        await using ledger = await withDeployments(place().open, given);
        const tiles = await ledger.timeline(project, { by });
        expect(tiles).toHaveLength(given.length);
        expect(tiles.slice(1).map((one) => one.activeFrom)).toEqual(tiles.slice(0, -1).map((one) => one.activeTo));
        for (let moment = -1; moment <= 13; moment++) {
          const at = second(moment);
          const [tile, ...others] = tiles.filter(
            ({ activeFrom, activeTo }) => activeFrom <= at && (activeTo === null || at < activeTo),
          );
          expect(others).toEqual([]);
          expect((await ledger.activeModel(project, { at, by }))?.number).toBe(tile?.deployment.number);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("a stretch that ends before it begins and a clock without a time are refused", async () => {
    await using ledger = await withDeployments(place().open, [{ recorded: 1, said: 1 }]);
    expect(await codeOf(ledger.timeline(project, { from: second(2), to: second(1) }))).toBe("INVALID_INPUT");
    expect(await ledger.timeline(project, { from: second(5), to: second(5) })).toHaveLength(1);
    expect(await codeOf(ledger.activeModel(project, { at: { revision: 0 }, by: "deployedAt" }))).toBe("INVALID_INPUT");
    expect(await codeOf(ledger.activeModel(project, { by: "deployedAt" }))).toBe("INVALID_INPUT");
  });
});
