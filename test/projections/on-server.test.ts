import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { evolveActiveModels, type FoldedEvent, initialActiveModels } from "../../projections/active-models.ts";
import { evolveDeploymentHistory, initialDeploymentHistory } from "../../projections/deployment-history.ts";
import { leaderboard } from "../../projections/leaderboard.ts";
import { evolveProject, initialProject } from "../../projections/project.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { streamOf } from "../../src/events/names.ts";
import { parseJson } from "../../src/events/parse-json.ts";
import { recorded } from "../../src/events/stored.ts";
import { foldedEvent } from "../../src/ledger/project-cache.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { eventStoreDbProjections } from "../../src/store/eventstoredb/projections.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import type { ServerProjections } from "../../src/store/server-projections.ts";
import { freshCategory, onOwnEventStoreDb } from "../store/server.ts";
import { history, live, ODD_NAMES } from "./histories.ts";

/** The folds run on a real server, from the scripts that the package holds. */
onOwnEventStoreDb((server) => {
  const category = freshCategory();
  let store: EventStore;
  let projections: ServerProjections;

  beforeAll(async () => {
    store = await eventStoreDbEventStore(server().url, systemRuntime(), { category });
    projections = await eventStoreDbProjections(server().url, systemRuntime(), { category });
    for (const planned of await projections.plan()) await projections.apply(planned);
  });
  afterAll(async () => {
    await projections.close();
    await store.close();
  });

  const onServer = (project: string): string => streamOf(project).replace("modelLedger", category);

  /** The server's own JSON text, read as it is: the client makes objects of it that lose a "__proto__". */
  async function ask(fold: string, what: "state" | "result", project: string): Promise<unknown> {
    const { host } = new URL(server().url.replace(/^\w+/, "http"));
    const url = new URL(`http://${host}/projection/${category}-${fold}/${what}`);
    url.searchParams.set("partition", onServer(project));
    return parseJson(await (await fetch(url)).text());
  }

  /** Until every projection has folded every event that is in the log now. */
  async function caughtUp(): Promise<void> {
    let events = 0;
    for await (const _ of store.readAll()) events += 1;
    const last = `$ce-${category}: ${events - 1}`;
    await vi.waitFor(
      async () => {
        const status = await projections.status();
        expect(status.map(({ state, position, reason }) => [state, position, reason])).toEqual(
          status.map(() => ["running", last, undefined]),
        );
      },
      { timeout: 20_000, interval: 50 },
    );
  }

  async function events(project: string): Promise<FoldedEvent[]> {
    const log: FoldedEvent[] = [];
    for await (const event of store.readStream(streamOf(project))) log.push(foldedEvent(recorded(event)));
    return log;
  }

  const asJson = (value: unknown): unknown => parseJson(JSON.stringify(value));

  async function expectParity(project: string): Promise<void> {
    const log = await events(project);
    if (log.length === 0) return;
    // Each fold reads the log for itself: they change what they are given.
    const state = (await events(project)).reduce(evolveProject, initialProject());
    expect(await ask("leaderboard", "state", project)).toStrictEqual(asJson(state));
    expect(await ask("leaderboard", "result", project)).toStrictEqual(
      asJson(leaderboard(state, state.ranking).slice(0, 100)),
    );
    const active = log.reduce(evolveActiveModels, initialActiveModels());
    expect(await ask("active-models", "state", project)).toStrictEqual(asJson(active));
    expect(await ask("active-models", "result", project)).toStrictEqual(asJson(active));
    const past = log.reduce(evolveDeploymentHistory, initialDeploymentHistory());
    expect(await ask("deployment-history", "state", project)).toStrictEqual(asJson(past));
  }

  describe("the folds", () => {
    test("give on the server what they give in process, for any history", async () => {
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(history, async (steps) => {
          runs += 1;
          const projects = fc
            .sample(fc.constantFrom(...ODD_NAMES), 4)
            .map((odd, index) => `${odd.slice(0, 180)}${index}?${runs}`);
          const ledger = new LocalLedger({ ...store, close: async () => undefined });
          await live(ledger, steps, projects);
          await ledger.close();
          await caughtUp();
          for (const project of projects) await expectParity(project);
        }),
        { numRuns: 6, endOnFailure: true },
      );
    });
  });
});
