import { expect, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { systemRuntime } from "../../src/runtime.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { freshCategory, onEventStoreDb } from "../store/server.ts";
import { receiver } from "./receiver.ts";

const PATIENCE = { timeout: 60_000 };

onEventStoreDb((server) => {
  test("on EventStoreDB a subscription goes on in another process, parks, and webhooks are delivered", async () => {
    const category = freshCategory();
    const open = async () => new LocalLedger(await eventStoreDbEventStore(server(), systemRuntime(), { category }));
    await using ledger = await open();
    const { url, firstSeen } = await receiver();
    await ledger.webhooks.add({ url, types: ["ModelTrained"], allowPrivate: true });
    for (let index = 0; index < 6; index++) {
      await ledger.recordTraining({
        project: `P${index % 2}`,
        task: "regression",
        algorithm: "ols",
        metrics: { r2: index },
      });
    }
    const seen: string[] = [];
    const begin = (from: LocalLedger, last: number) =>
      from.subscriptions.run({
        name: "etl",
        types: ["ModelTrained"],
        maxAttempts: 2,
        backOff: { firstMs: 1, maxMs: 1 },
        leaseMs: 2_000,
        async handle(event) {
          const { data } = event as { readonly data: { readonly metrics?: { readonly r2: number } } };
          seen.push(String(data.metrics?.r2));
          if (data.metrics?.r2 === 1) throw new Error("one is too many");
          if (data.metrics?.r2 === last) void from.close();
        },
      });
    const first = await open();
    await begin(first, 2);
    const second = await open();
    await begin(second, 5);
    expect(seen).toEqual(["0", "1", "1", "2", "3", "4", "5"]);
    expect(await ledger.subscriptions.parked("etl")).toMatchObject([{ error: "one is too many", attempts: 2 }]);
    void ledger.webhooks.run();
    await expect.poll(() => firstSeen().length, PATIENCE).toBe(6);
    await expect.poll(async () => (await ledger.webhooks.list())[0]?.finished, PATIENCE).toBe(6);
    let delivered = 0;
    for await (const { isDelivered } of ledger.webhooks.deliveries()) if (isDelivered) delivered += 1;
    expect(delivered).toBe(6);
  });
});
