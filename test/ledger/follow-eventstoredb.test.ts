import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { type Ledger, type LedgerError, openLedger } from "../../src/index.ts";
import { startRelay } from "../store/relay.ts";
import { onOwnEventStoreDb } from "../store/server.ts";

/** A start takes many seconds on a busy machine. */
const PATIENCE_MS = 180_000;

const train = (ledger: Ledger, project: string, f1: number) =>
  ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1 } });

/** A follower that has heard of the project's first deployment, and what it tells from then on. */
async function watched(ledger: Ledger, project: string) {
  const follower = await ledger.follow(project);
  const first = once(follower, "change");
  await train(ledger, project, 0.1);
  await first;
  const told: number[] = [];
  follower.on("change", ({ number }) => told.push(number));
  const isAway = once(follower, "error").then(([error]: LedgerError[]) => error);
  follower.on("error", () => undefined); // also the next ones
  return { follower, told, isAway };
}

onOwnEventStoreDb(
  (server) => {
    async function open(url: string): Promise<Ledger> {
      const ledger = await openLedger(url);
      onTestFinished(() => ledger.close());
      return ledger;
    }

    test(
      "a follower says that the server is gone, for how long, and goes on where it was once it is back",
      async () => {
        const { follower, told, isAway } = await watched(await open(server().url), "Killed");
        const { current } = follower;
        expect(follower.staleMs).toBe(0);
        server().kill("SIGKILL");
        expect(await isAway).toMatchObject({ code: "STORE_UNAVAILABLE" });
        await expect.poll(() => follower.staleMs).toBeGreaterThan(100);
        expect(follower.current).toBe(current);
        await server().restart();
        const other = await open(server().url);
        for (const f1 of [0.2, 0.3]) await train(other, "Killed", f1);
        await expect.poll(() => follower.current?.number, { timeout: PATIENCE_MS }).toBe(3);
        expect(follower.staleMs).toBe(0);
        expect(told).toEqual([2, 3]);
      },
      PATIENCE_MS,
    );

    test("a follower of a quiet project is current again as soon as the server is back", async () => {
      const relay = await startRelay(server().port);
      const { follower, isAway } = await watched(await open(`esdb://127.0.0.1:${relay.port}?tls=false`), "Quiet");
      relay.hold("answers");
      relay.cut();
      await isAway;
      await expect.poll(() => follower.staleMs).toBeGreaterThan(100);
      relay.release();
      await expect.poll(() => follower.staleMs, { timeout: 20_000 }).toBe(0);
    });

    test("a connection that goes silent counts from when its keep-alive finds it out", async () => {
      const relay = await startRelay(server().port);
      const url = `esdb://127.0.0.1:${relay.port}?tls=false&keepAliveInterval=1000&keepAliveTimeout=1000`;
      const { follower, isAway } = await watched(await open(url), "Silent");
      relay.hold("answers");
      expect(await isAway).toMatchObject({ code: "STORE_UNAVAILABLE" });
      await expect.poll(() => follower.staleMs).toBeGreaterThan(100);
    });
  },
  { keeps: "on disk", projections: "None" },
);
