import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { toJson } from "../../src/cli/output.ts";
import { generateKeys, verifyProof } from "../../src/index.ts";
import { sqliteReadModel } from "../../src/read-model/read-model.ts";
import { type Runtime, systemRuntime } from "../../src/runtime.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { sqliteEventStore } from "../../src/store/sqlite.ts";
import { servedLedger } from "../remote/served.ts";
import { freshCategory, onEventStoreDb } from "../store/server.ts";

/** One history on every store, and every question there is: the answers are the same to the letter. */

const START = Date.UTC(2026, 0, 1);
const second = (count: number): string => new Date(START + count * 1_000).toISOString();

/** The same times and ids each time; a second passes at each look at the clock. */
function countedRuntime(): Runtime {
  let [ids, seconds] = [0, 0];
  return {
    ...systemRuntime(),
    now: () => START + seconds++ * 1_000,
    newId: () => `00000000-0000-7000-8000-${String(ids++).padStart(12, "0")}`,
    actor: "ann@laptop",
  };
}

const project = "Digits";
const { privateKey: key, publicKey } = generateKeys("example.com/ledger");

async function live(ledger: Ledger): Promise<void> {
  const task = "classification";
  const train = (algorithm: string, f1: number, more: object = {}) =>
    ledger.recordTraining({ project, task, algorithm, metrics: { f1, accuracy: f1 / 2 }, ...more });
  await train("svm", 0.8, {
    artifact: { uri: "s3://1", digest: "sha256:1" },
    labels: { team: "a" },
    commandId: "job-1",
  });
  await train("knn", 0.9, { reason: "nightly run", hyperparams: { k: 5 }, actor: "ci" });
  await train("tree", 0.7, { snapshot: { relation: "mnist", rows: 10 } });
  await ledger.rollback({ project, reason: "Error RATE doubled" });
  await ledger.deploy({ project, strategy: "most_recent", deployedAt: second(1) });
  await ledger.promote({ project, from: "production", to: "staging", actor: "bob" });
  await ledger.retireModel({ project, model: 2, reason: "too slow" });
  await ledger.deploy({ project, algorithm: "svm", environment: "staging" });
  await ledger.reinstateModel({ project, model: 2 });
  await ledger.setPolicy({ project, policy: { automaticDeploy: "not_worse", minImprovement: 0 } });
  await ledger.recordTraining({
    project: "Ünï 🦉",
    task: "text-generation",
    algorithm: "gpt",
    metrics: { perplexity: 9 },
  });
  await ledger.setPolicy({ project: "Only a policy", policy: { frozen: { reason: "not yet", until: second(9_999) } } });
  await ledger.deploy({ project: "Only a policy" }).catch(() => undefined);
  await ledger.recordTraining({ project: "Vectors", task: "embedding", algorithm: "word2vec", metrics: {} });
  await train("svm", 0.95, { automaticDeploy: false });
  await ledger.deploy({ project, dryRun: true });
  await ledger.deploy({ project, reason: "the weekly check" });
}

const TYPES: Readonly<Record<string, string>> = { revision: "bigint", position: "string" };

/** The revisions and positions of an answer that are of another type than the library promises, by where they stand. */
function wrongTypes(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => {
    const isWrong = TYPES[name] !== undefined && typeof part !== TYPES[name];
    return isWrong ? [`${path}.${name} is a ${typeof part}`] : wrongTypes(part, `${path}.${name}`);
  });
}

const outcome = async (ask: () => PromiseLike<unknown>): Promise<string> => {
  try {
    const answer = await ask();
    const wrong = wrongTypes(answer);
    if (wrong.length > 0) return `WRONG TYPE: ${wrong.join(", ")}`;
    return answer === undefined ? "undefined" : toJson(answer);
  } catch (error) {
    return error instanceof Error && "code" in error ? `${error.code}: ${error.message}` : String(error);
  }
};

async function eventsOf(ledger: Ledger, options: object, count: number): Promise<unknown[]> {
  const events: unknown[] = [];
  for await (const event of ledger.subscribe(options)) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

async function linesOf(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

/** Every question, by what was asked. Positions are a store's own: in the answers they are counted. */
async function answersOf(ledger: Ledger): Promise<Record<string, string>> {
  const deployments = await ledger.deployments({ order: "asc" });
  const { revision } = await ledger.project(project);
  const events = (await ledger.verify()).events;
  const log = (await eventsOf(ledger, {}, events)) as { readonly position: string }[];
  const middle = deployments[3]?.position ?? "";
  const wait = { minPosition: log.at(-1)?.position ?? "" };

  const questions: Record<string, () => PromiseLike<unknown>> = {
    "every event": async () => log,
    "events of a project": () => eventsOf(ledger, { project }, Number(revision) + 1),
    "events of a type": () => eventsOf(ledger, { types: ["PolicySet"] }, 2),
    "events after a position": () => eventsOf(ledger, { from: middle }, 3),
    export: () => linesOf(ledger.export({ project })),
    "export of all": () => linesOf(ledger.export()),
    "a checkpoint": () => ledger.checkpoint({ key }),
    "the log against its checkpoint": async () => {
      const { checkpoint } = await ledger.checkpoint({ key });
      return ledger.verify({ checkpoint, publicKey });
    },
    "what an inclusion proof shows": async () =>
      toJson(verifyProof(await ledger.proveInclusion({ project, number: 2, key }), publicKey)),
    "what a receipt shows": async () =>
      toJson(verifyProof(await ledger.receipt({ project, number: 3, key }), publicKey)),
    "what a consistency proof shows": async () => {
      const { checkpoint } = await ledger.checkpoint({ key });
      return verifyProof(await ledger.proveConsistency({ older: checkpoint, newer: checkpoint }), publicKey);
    },
    "what if the policy were stricter": () =>
      ledger.whatIf(project, { policy: { minImprovement: 0.15 }, until: second(99) }),
    "what if a model were not there": () => ledger.whatIf(project, { without: 2, until: second(99) }),
    "what if a strategy decided": () => ledger.whatIf(project, { strategy: "best_score", until: second(99) }),
    "what if nothing were different": () => ledger.whatIf(project, {}),
    verify: () => ledger.verify(),
    "verify a project": () => ledger.verify({ project, ...wait }),
    projects: () => ledger.projects(),
    leaderboard: () => ledger.leaderboard(project),
    "leaderboard of an algorithm": () => ledger.leaderboard(project, { algorithm: "svm", limit: 1 }),
    models: () => ledger.models(project),
    "retired models": () => ledger.models(project, { retired: true }),
    "models after a version": () => ledger.models(project, { after: 1, limit: 2, ...wait }),
    "follow current": async () => (await ledger.follow(project)).current,
    "explain by number": () => ledger.explain({ project, number: 2 }),
    "explain by id": () => ledger.explain({ project, deploymentId: deployments.at(-1)?.deploymentId ?? "" }),
    "explain in staging": () => ledger.explain({ project, number: 2, environment: "staging", ...wait }),
    "explain what is not there": () => ledger.explain({ project, number: 99 }),
    "explain a training": () => ledger.explain({ project, version: 3 }),
    timeline: () => ledger.timeline(project),
    "timeline of staging": () => ledger.timeline(project, { environment: "staging", from: second(3), to: second(12) }),
    "timeline by deployedAt": () => ledger.timeline(project, { by: "deployedAt", ...wait }),
    "timeline backwards": () => ledger.timeline(project, { from: second(9), to: second(3) }),
    "active everywhere": () => ledger.activeModels(),
    "active everywhere in staging": () => ledger.activeModels({ environment: "staging", limit: 1 }),
    "active everywhere at a position": () => ledger.activeModels({ at: { position: middle }, ...wait }),
    "active at a position": () => ledger.activeModel(project, { at: { position: middle } }),
  };
  for (const name of [project, "Only a policy", "Vectors", "Ünï 🦉", "nobody"]) {
    questions[`project ${name}`] = () => ledger.project(name);
    questions[`active in ${name}`] = () => ledger.activeModel(name);
    questions[`timeline of ${name}`] = () => ledger.timeline(name);
    questions[`deployments of ${name}`] = () => ledger.deployments({ project: name });
    questions[`models of ${name}`] = () => ledger.models(name);
  }
  for (let moment = 0; moment < 24; moment += 3) {
    const at = second(moment);
    for (const by of ["recordedAt", "deployedAt"] as const) {
      questions[`active at ${moment} by ${by}`] = () => ledger.activeModel(project, { at, by });
      questions[`active everywhere at ${moment} by ${by}`] = () => ledger.activeModels({ at, by });
    }
    questions[`active at revision ${moment}`] = () => ledger.activeModel(project, { at: { revision: moment } });
  }
  const filters: readonly Parameters<Ledger["deployments"]>[0][] = [
    {},
    { order: "asc" },
    { limit: 2 },
    { after: middle },
    { after: middle, order: "asc", limit: 2 },
    { environment: "staging" },
    { actor: "ci" },
    { strategy: "rollback" },
    { algorithm: "svm" },
    { project, model: 1 },
    { project, model: 77 },
    { model: 1 },
    { model: deployments[0]?.modelId ?? "" },
    { artifactDigest: "sha256:1" },
    { reason: "rate" },
    { reason: "x" },
    { from: second(3), to: second(9) },
    { project, environment: "production", strategy: "most_recent", actor: "ann@laptop", algorithm: "tree" },
    { project: "nobody" },
    wait,
  ];
  for (const filter of filters) questions[`deployments ${toJson(filter)}`] = () => ledger.deployments(filter);

  const counted = new Map(log.map(({ position }, index) => [position, `@${index}`]));
  // A place is no part of a number: 0.20000000000000007 ends like one.
  const named = new RegExp(`(?<![\\d.])(?:${[...counted.keys()].join("|")})(?!\\d)`, "g");
  const withoutPlaces = (text: string) => text.replaceAll(named, (position) => counted.get(position) ?? position);
  const answers: Record<string, string> = {};
  for (const [asked, ask] of Object.entries(questions)) {
    answers[withoutPlaces(asked)] = withoutPlaces(await outcome(ask));
  }
  return answers;
}

/** From the log as it is, and from a read model that takes it in at once. */
async function bothAnswers(open: () => Promise<EventStore>): Promise<readonly Record<string, string>[]> {
  const store = await open();
  const shared: EventStore = { ...store, close: async () => undefined };
  const writer = new LocalLedger(shared, { runtime: countedRuntime() });
  await live(writer);
  const byTables = new LocalLedger(shared, {}, { readModel: sqliteReadModel(shared), shortLogEvents: 0 });
  const answers = [await answersOf(writer), await answersOf(byTables)];
  await byTables.close();
  await writer.close();
  await store.close();
  return answers;
}

const folder = mkdtempSync(join(tmpdir(), "model-ledger-every-query-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [expected = {}, fromTables] = await bothAnswers(async () => memoryEventStore());

test("every question has an answer, and an unknown project is told from an empty one", () => {
  expect(Object.keys(expected).length).toBeGreaterThan(90);
  expect(expected["active in nobody"]).toBe("undefined");
  expect(expected["project nobody"]).toMatch(/^PROJECT_NOT_FOUND/);
  expect(expected["deployments of Only a policy"]).toBe("[]");
  expect(expected["timeline backwards"]).toMatch(/^INVALID_INPUT/);
  for (const asked of ["the log against its checkpoint", "what a consistency proof shows"]) {
    expect(JSON.parse(expected[asked] ?? "")).toMatchObject({ ok: true });
  }
  expect(JSON.parse(JSON.parse(expected["what a receipt shows"] ?? "") as string)).toMatchObject({ ok: true });
  expect(JSON.parse(expected.verify ?? "")).toMatchObject({ ok: true, streams: 4 });
});

test("every revision is a bigint and every position text, in every answer", () => {
  expect(Object.entries(expected).filter(([, answer]) => answer.startsWith("WRONG TYPE"))).toEqual([]);
});

test("memory: from tables, the same answers", () => {
  expect(fromTables).toEqual(expected);
});

test("sqlite: the same answers, from the log and from tables", async () => {
  const answers = await bothAnswers(() => sqliteEventStore(join(folder, "ledger.db"), systemRuntime()));
  expect(answers).toEqual([expected, expected]);
});

/** What is asked of the store itself, beside it: a service does not answer it. */
const BESIDE_THE_STORE = /^INVALID_INPUT: .*not over HTTP/;

test("http: the same answers, but for the evidence that asks for the store itself", async () => {
  const store: EventStore = { ...memoryEventStore(), close: async () => undefined };
  await live(new LocalLedger(store, { runtime: countedRuntime() }));
  const ledger = await servedLedger(store);
  const answers = await answersOf(ledger);
  const refused = Object.keys(answers).filter((asked) => BESIDE_THE_STORE.test(answers[asked] ?? ""));
  expect(refused).toContain("what a receipt shows");
  expect(refused).toHaveLength(11);
  for (const asked of refused) answers[asked] = expected[asked] ?? "";
  expect(answers).toEqual(expected);
  await ledger.close();
});

onEventStoreDb((server) => {
  test("esdb: the same answers, from the log and from tables", async () => {
    const category = freshCategory();
    const answers = await bothAnswers(() => eventStoreDbEventStore(server(), systemRuntime(), { category }));
    expect(answers).toEqual([expected, expected]);
  });
});
