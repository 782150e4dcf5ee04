import { expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { LedgerError } from "../../src/errors.ts";
import { generateKeys } from "../../src/index.ts";
import { eventsIn, onEveryLedger } from "./stores.ts";

const project = "Digits";
const { privateKey: key, publicKey } = generateKeys("example.com/ledger");

interface Aborting {
  readonly signal: AbortSignal;
}
type Asked = (ledger: Ledger, aborting: Aborting) => PromiseLike<unknown>;

async function firstOf(rows: AsyncIterable<unknown>): Promise<unknown> {
  for await (const row of rows) return row;
  return undefined;
}

/** Everything that takes a signal and comes to an end by itself. */
const READS: Readonly<Record<string, Asked>> = {
  activeModel: (ledger, by) => ledger.activeModel(project, by),
  "activeModel at": (ledger, by) => ledger.activeModel(project, { at: { revision: 0 }, ...by }),
  activeModels: (ledger, by) => ledger.activeModels(by),
  project: (ledger, by) => ledger.project(project, by),
  projects: (ledger, by) => ledger.projects(by),
  models: (ledger, by) => ledger.models(project, by),
  leaderboard: (ledger, by) => ledger.leaderboard(project, by),
  deployments: (ledger, by) => ledger.deployments(by),
  timeline: (ledger, by) => ledger.timeline(project, by),
  explain: (ledger, by) => ledger.explain({ project, number: 1, ...by }),
  "explain a training": (ledger, by) => ledger.explain({ project, version: 1, ...by }),
  verify: (ledger, by) => ledger.verify(by),
};
const COMMANDS: Readonly<Record<string, Asked>> = {
  recordTraining: (ledger, by) => ledger.recordTraining({ project, algorithm: "svm", metrics: { f1: 1 }, ...by }),
  deploy: (ledger, by) => ledger.deploy({ project, ...by }),
  "deploy, dry run": (ledger, by) => ledger.deploy({ project, dryRun: true, ...by }),
  rollback: (ledger, by) => ledger.rollback({ project, toNumber: 1, ...by }),
  promote: (ledger, by) => ledger.promote({ project, from: "production", to: "staging", ...by }),
  retireModel: (ledger, by) => ledger.retireModel({ project, model: 1, reason: "x", ...by }),
  reinstateModel: (ledger, by) => ledger.reinstateModel({ project, model: 1, ...by }),
  setPolicy: (ledger, by) => ledger.setPolicy({ project, policy: { automaticDeploy: "off" }, ...by }),
};
/** What a service does not answer. */
const EVIDENCE: Readonly<Record<string, Asked>> = {
  checkpoint: (ledger, by) => ledger.checkpoint({ key, ...by }),
  "verify a checkpoint": async (ledger, by) => {
    const { checkpoint } = await ledger.checkpoint({ key });
    return ledger.verify({ checkpoint, publicKey, ...by });
  },
  receipt: (ledger, by) => ledger.receipt({ project, number: 1, key, ...by }),
  proveInclusion: (ledger, by) => ledger.proveInclusion({ project, number: 1, key, ...by }),
  proveConsistency: async (ledger, by) => {
    const { checkpoint } = await ledger.checkpoint({ key });
    return ledger.proveConsistency({ older: checkpoint, newer: checkpoint, ...by });
  },
  export: (ledger, by) => firstOf(ledger.export(by)),
  import: (ledger, by) => ledger.import(() => ledger.export(), by),
};

async function trained(ledger: Ledger): Promise<void> {
  for (const algorithm of ["svm", "knn"]) {
    await ledger.recordTraining({ project, task: "classification", algorithm, metrics: { f1: 0.5 } });
  }
}

const isOverHttp = (ledger: Ledger): boolean => ledger.address.startsWith("http");
const askedOf = (ledger: Ledger) => ({ ...READS, ...COMMANDS, ...(isOverHttp(ledger) ? {} : EVIDENCE) });

/** That it was aborted for this reason, or what it came to instead. */
async function endOf(asked: PromiseLike<unknown>, reason: unknown): Promise<unknown> {
  try {
    return { answered: await asked };
  } catch (error) {
    const isAborted = error instanceof LedgerError && error.code === "ABORTED" && error.cause === reason;
    return isAborted ? "aborted" : error;
  }
}

onEveryLedger((place) => {
  test("whoever asks with an aborted signal gets its reason and no answer, and nothing is written", async () => {
    await using ledger = await place().open();
    await trained(ledger);
    const [before, reason] = [await eventsIn(ledger), new Error("enough")];
    for (const [name, ask] of Object.entries(askedOf(ledger))) {
      expect([name, await endOf(ask(ledger, { signal: AbortSignal.abort(reason) }), reason)]).toEqual([
        name,
        "aborted",
      ]);
    }
    expect(await eventsIn(ledger)).toBe(before);
  });

  test("what is aborted once it was asked ends, too", async () => {
    await using ledger = await place().open();
    await trained(ledger);
    const reason = new Error("enough");
    for (const [name, ask] of Object.entries({ ...READS, ...COMMANDS })) {
      const stop = new AbortController();
      const end = endOf(ask(ledger, { signal: stop.signal }), reason);
      stop.abort(reason);
      expect([name, await end]).toEqual([name, "aborted"]);
    }
  });

  test("a list that is being read ends at its next row", async () => {
    await using ledger = await place().open();
    await trained(ledger);
    await ledger.recordTraining({ project: "Letters", task: "clustering", algorithm: "k", metrics: { silhouette: 1 } });
    const lists = {
      projects: (by: Aborting) => ledger.projects(by),
      models: (by: Aborting) => ledger.models(project, by),
      leaderboard: (by: Aborting) => ledger.leaderboard(project, by),
      deployments: (by: Aborting) => ledger.deployments(by),
      activeModels: (by: Aborting) => ledger.activeModels(by),
    };
    for (const [name, list] of Object.entries(lists)) {
      const [stop, reason] = [new AbortController(), new Error("enough")];
      let rows = 0;
      const read = async () => {
        for await (const _ of list({ signal: stop.signal })) {
          rows += 1;
          stop.abort(reason);
        }
      };
      expect([name, await endOf(read(), reason), rows]).toEqual([name, "aborted", 1]);
    }
  });

  test("what follows events ends without an error", async () => {
    await using ledger = await place().open();
    await trained(ledger);
    const signal = AbortSignal.abort();
    expect(await firstOf(ledger.subscribe({ signal }))).toBeUndefined();
    if (isOverHttp(ledger)) return;
    await ledger.subscriptions.run({ name: "never", handle: () => expect.fail("it was handled"), signal });
    await ledger.webhooks.run({ signal });
  });
});
