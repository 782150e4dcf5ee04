import { once } from "node:events";
import { expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { LedgerError } from "../../src/errors.ts";
import { httpApp } from "../../src/http/app.ts";
import { openLedger } from "../../src/open-ledger.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { codeOf } from "../ledger/stores.ts";

const project = "Digits / ü";
const train = (ledger: Ledger, f1: number, more: object = {}) =>
  ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1 }, ...more });

/** A ledger in memory, a service over it that can go away and come back at its port, and the ledger at its other end. */
async function bothEnds() {
  const store = memoryEventStore();
  const local = new LocalLedger({ ...store, close: async () => undefined });
  let draining = new AbortController();
  let app = await httpApp(local, { rate: false, draining: draining.signal });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const remote = await openLedger(url, { actor: "a job" });
  return {
    local,
    remote,
    url,
    async stop() {
      draining.abort();
      await app.close();
    },
    async start() {
      draining = new AbortController();
      app = await httpApp(local, { rate: false, draining: draining.signal });
      await app.listen({ port: Number(new URL(url).port), host: "127.0.0.1" });
    },
    async [Symbol.asyncDispose]() {
      await remote.close();
      draining.abort();
      await app.close();
    },
  };
}

test("every command and every question is answered as the ledger itself would", async () => {
  await using ends = await bothEnds();
  const { local, remote } = ends;
  const first = await train(remote, 0.9, { labels: { revision: "7" }, hyperparams: { revision: "8" } });
  expect(first).toMatchObject({ version: 1, deployed: true, revision: 1n });
  await train(remote, 0.5);
  expect(await remote.deploy({ project, strategy: "most_recent", reason: "try" })).toMatchObject({ version: 2 });
  expect(await remote.rollback({ project })).toMatchObject({ version: 1, strategy: "rollback", revision: 4n });
  expect(await remote.promote({ project, from: "production", to: "staging" })).toMatchObject({ number: 1 });
  expect(await remote.retireModel({ project, model: 2, reason: "leaked" })).toMatchObject({ retired: true });
  expect(await remote.reinstateModel({ project, model: 2, reason: "not at all" })).toMatchObject({ retired: false });
  expect(await remote.setPolicy({ project, policy: { minImprovement: 0.1 } })).toMatchObject({
    policy: { minImprovement: 0.1 },
  });

  expect(await remote.activeModel(project)).toEqual(await local.activeModel(project));
  const at = { revision: 1n };
  expect(await remote.activeModel(project, { at })).toEqual(await local.activeModel(project, { at }));
  const now = new Date();
  expect(await remote.activeModel(project, { at: now })).toEqual(await local.activeModel(project, { at: now }));
  expect(await remote.activeModel("nobody's")).toBeUndefined();
  expect(await remote.activeModel(project, { environment: "test" })).toBeUndefined();
  expect(await remote.activeModels()).toEqual(await local.activeModels());
  expect(await remote.activeModels({ at: now })).toEqual(await local.activeModels({ at: now }));
  expect(await remote.project(project)).toEqual(await local.project(project));
  expect(await remote.projects()).toEqual(await local.projects());
  expect(await remote.models(project)).toEqual(await local.models(project));
  expect(await remote.models(project, { after: 1 })).toEqual(await local.models(project, { after: 1 }));
  expect(await remote.leaderboard(project)).toEqual(await local.leaderboard(project));
  expect(await remote.deployments()).toEqual(await local.deployments());
  const filter = { project, order: "asc", limit: 2, strategy: "rollback" } as const;
  expect(await remote.deployments(filter)).toEqual(await local.deployments(filter));
  expect(await remote.timeline(project)).toEqual(await local.timeline(project));
  expect(await remote.explain({ project, number: 2 })).toEqual(await local.explain({ project, number: 2 }));
  expect(await remote.explain({ project, version: 2 })).toEqual(await local.explain({ project, version: 2 }));
  expect(await remote.verify()).toEqual(await local.verify());
  expect(await remote.verify({ project })).toEqual(await local.verify({ project }));
  expect((await remote.deployments()).map(({ actor }) => actor)).toEqual(Array(4).fill("a job"));
});

test("refusals come back with the same code, message and facts", async () => {
  await using ends = await bothEnds();
  const { local, remote } = ends;
  const refusal = async (act: (ledger: Ledger) => Promise<unknown>) => {
    const [here, there] = await Promise.all(
      [local, remote].map((ledger) =>
        act(ledger).then(
          () => "accepted",
          ({ code, message, details }) => ({ code, message, details }),
        ),
      ),
    );
    expect(there).toEqual(here);
    return there;
  };
  expect(await refusal((ledger) => ledger.project(project))).toMatchObject({ code: "PROJECT_NOT_FOUND" });
  expect(await refusal((ledger) => ledger.deploy({ project, model: -1 }))).toMatchObject({ code: "INVALID_INPUT" });
  await train(local, 0.9);
  expect(await refusal((ledger) => ledger.rollback({ project }))).toMatchObject({ code: "NO_PREVIOUS_DEPLOYMENT" });
  const expectedRevision = 0n;
  expect(await refusal((ledger) => ledger.deploy({ project, expectedRevision }))).toMatchObject({ code: "CONFLICT" });
  expect(await refusal(async (ledger) => ledger.models(project, { limit: 0 }))).toMatchObject({
    code: "INVALID_INPUT",
  });
  expect(await codeOf(train(remote, Number.NaN))).toBe("INVALID_INPUT");
  const aborted = AbortSignal.abort();
  expect(await codeOf(remote.deploy({ project, signal: aborted }))).toBe("ABORTED");
  expect(await codeOf(remote.subscriptions.list())).toBe("INVALID_INPUT");
});

test("a command repeated under its id is done once", async () => {
  await using ends = await bothEnds();
  const first = await train(ends.remote, 0.9, { commandId: "job-1" });
  expect(await train(ends.remote, 0.9, { commandId: "job-1" })).toEqual(first);
  expect(await codeOf(train(ends.remote, 0.8, { commandId: "job-1" }))).toBe("COMMAND_REUSED");
});

test("a command that is aborted on its way says under which id to repeat it, and is then done once", async () => {
  const store = memoryEventStore();
  const [arrived, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const append: typeof store.append = async (...appended) => {
    arrived.resolve();
    await goOn.promise;
    return store.append(...appended);
  };
  const app = await httpApp(new LocalLedger({ ...store, append }));
  await using remote = await openLedger(await app.listen({ port: 0, host: "127.0.0.1" }));
  const abort = new AbortController();
  const sent = train(remote, 0.9, { signal: abort.signal });
  await arrived.promise;
  abort.abort(new Error("enough"));
  const error = await sent.catch((failure: unknown) => failure);
  goOn.resolve();
  expect(error).toMatchObject({ code: "ABORTED", cause: { message: "enough" } });
  const { commandId } = (error as LedgerError).details as { readonly commandId: string };
  expect((error as LedgerError).message).toContain(`may have been written: repeat it with commandId "${commandId}"`);
  expect(await train(remote, 0.9, { commandId })).toMatchObject({ version: 1 });
  expect(await remote.models(project)).toHaveLength(1);
  await app.close();
});

test("long lists come whole, page by page", async () => {
  await using ends = await bothEnds();
  const versions = Array.from({ length: 1_005 }, (_, index) => index + 1);
  for (const version of versions) await train(ends.local, version / 2_000, { automaticDeploy: false });
  expect((await ends.remote.models(project)).map(({ version }) => version)).toEqual(versions);
  expect(await ends.remote.models(project, { limit: 3 })).toHaveLength(3);
});

test("a subscription misses and repeats nothing while the service restarts", async () => {
  await using ends = await bothEnds();
  const { local, remote } = ends;
  const stop = new AbortController();
  const positions: string[] = [];
  const seen = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => (positions.length >= count ? resolve() : setImmediate(look));
      look();
    });
  await train(local, 0.1);
  const reading = (async () => {
    for await (const { position } of remote.subscribe({ from: "start", signal: stop.signal })) positions.push(position);
  })();
  await seen(2);
  await ends.stop();
  await train(local, 0.2);
  await train(local, 0.3);
  await ends.start();
  await train(local, 0.4);
  await seen(8);
  stop.abort();
  await reading;
  expect(positions).toEqual([...new Set(positions)].sort());
  expect(positions).toHaveLength(8);
});

test("a follower is current, outlives a restart, and says how stale it may be", async () => {
  await using ends = await bothEnds();
  const { local, remote } = ends;
  const early = await remote.follow(project);
  expect(early.current).toBeUndefined();
  await train(local, 0.1);
  if (early.current === undefined) await once(early, "change");
  expect(early.current).toEqual(await local.activeModel(project));
  expect(early.staleMs).toBeLessThan(60_000);
  const changes: number[] = [];
  early.on("error", () => undefined);
  const third = new Promise<void>((resolve) => {
    early.on("change", ({ version }) => {
      changes.push(version);
      if (version === 3) resolve();
    });
  });
  await ends.stop();
  await train(local, 0.2);
  expect(early.current?.version).toBe(1);
  await train(local, 0.3);
  await ends.start();
  await third;
  expect(changes).toEqual([2, 3]);
  expect(early.current).toEqual(await local.activeModel(project));
  await early.close();
});

/** A service that refuses whoever asks it more than five times in a moment, and a ledger at its other end. */
async function limitedEnds() {
  const local = new LocalLedger(memoryEventStore());
  const app = await httpApp(local, { rate: { max: 5, windowMs: 2_000 } });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const remote = await openLedger(url);
  return {
    local,
    remote,
    url,
    async useUp() {
      for (let status = 200; status !== 429; ) {
        const answer = await fetch(`${url}/v1/projects`);
        await answer.text();
        status = answer.status;
      }
    },
    async [Symbol.asyncDispose]() {
      await remote.close();
      app.server.closeAllConnections();
      await app.close();
      await local.close();
    },
  };
}

test("a follower that is refused for having asked too often asks again", async () => {
  await using ends = await limitedEnds();
  const { local, remote } = ends;
  await train(local, 0.1);
  await train(local, 0.05);
  await using follower = await remote.follow(project);
  const errors: unknown[] = [];
  follower.on("error", (error) => errors.push(error));
  let model = 1;
  // On a busy machine it may come when the moment is over.
  while (errors.length === 0) {
    model = 3 - model;
    const changed = new Promise((resolve) => follower.once("change", resolve));
    await ends.useUp();
    await local.deploy({ project, model });
    await changed;
  }
  expect(errors[0]).toMatchObject({ code: "RATE_LIMITED" });
  expect(follower.current?.version).toBe(model);
});

test("a follower that cannot begin leaves no stream open", async () => {
  await using ends = await limitedEnds();
  await train(ends.local, 0.1);
  await ends.useUp();
  expect(await codeOf(ends.remote.follow(project))).toBe("RATE_LIMITED");
  const streams = async () => /^\w*event_streams (\d+)$/m.exec(await (await fetch(`${ends.url}/metrics`)).text())?.[1];
  await expect.poll(streams, { interval: 100 }).toBe("0");
});

test("where nobody answers it says so", async () => {
  expect(await codeOf(openLedger("http://127.0.0.1:9"))).toBe("STORE_UNAVAILABLE");
  expect(await codeOf(openLedger("http://127.0.0.1:9", { defaultPolicy: {} }))).toBe("INVALID_INPUT");
});
