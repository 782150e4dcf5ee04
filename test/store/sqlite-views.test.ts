import Database from "better-sqlite3";
import { v7 } from "uuid";
import { expect, onTestFinished, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { NewEvent } from "../../src/store/event-store.ts";
import { sqliteEventStore } from "../../src/store/sqlite.ts";
import { ledgerFile } from "./ledger-file.ts";

/** The views in the file, as somebody sees them who has nothing but SQL. */

const at = "2026-01-02T03:04:05.006Z";
const fact = (type: string, data: object): NewEvent => ({
  id: v7(),
  type,
  data: JSON.stringify({ project: "Digits", ...data }),
  metadata: JSON.stringify({ commandId: "c", actor: "ann", reason: "because", recordedAt: at, hash: "0" }),
});

const trained = (version: number, f1: number): NewEvent =>
  fact("ModelTrained", {
    modelId: `model-${version}`,
    version,
    task: "classification",
    algorithm: "knn",
    metrics: { f1 },
    hyperparams: { k: version },
    trainedAt: at,
    automaticDeploy: { outcome: "kept", because: "not better" },
  });

const deployed = (number: number, version: number, environment = "production"): NewEvent =>
  fact("ModelDeployed", {
    environment,
    deploymentId: `deployment-${environment}-${number}`,
    number,
    modelId: `model-${version}`,
    version,
    algorithm: "knn",
    strategy: "best_score",
    replaces: number > 1 ? { modelId: "model-1", deploymentId: `deployment-${number - 1}` } : undefined,
    decision: { metric: "f1", goal: "maximize", score: 0.5, previousScore: null, candidates: 2 },
    deployedAt: at,
  });

async function query(sql: string, events: readonly NewEvent[]): Promise<readonly unknown[]> {
  const path = ledgerFile();
  const store = await sqliteEventStore(path, systemRuntime());
  await store.append("modelLedger-Digits", events, "no_stream");
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
    await store.close();
  }
}

test("models: each with its metrics, and whether it is retired", async () => {
  const history = [
    trained(1, 0.5),
    trained(2, 0.9),
    trained(3, 0.7),
    fact("ModelRetired", { modelId: "model-2", version: 2, activeIn: [] }),
    fact("ModelRetired", { modelId: "model-3", version: 3, activeIn: [] }),
    fact("ModelReinstated", { modelId: "model-3", version: 3 }),
  ];
  const rows = await query("SELECT * FROM models ORDER BY version", history);
  expect(rows).toMatchObject([
    { version: 1, modelId: "model-1", retired: 0, metrics: '{"f1":0.5}', hyperparams: '{"k":1}', actor: "ann" },
    { version: 2, modelId: "model-2", retired: 1, task: "classification", algorithm: "knn", trainedAt: at },
    { version: 3, retired: 0, project: "Digits", automaticDeploy: "kept", because: "not better", revision: 2 },
  ]);
});

test("deployments: each with its decision, who, why and what it replaced", async () => {
  const rows = await query("SELECT * FROM deployments ORDER BY number", [
    trained(1, 0.5),
    deployed(1, 1),
    deployed(2, 2),
  ]);
  expect(rows).toMatchObject([
    { project: "Digits", environment: "production", number: 1, modelId: "model-1", replacesModelId: null, score: 0.5 },
    {
      number: 2,
      version: 2,
      replacesModelId: "model-1",
      actor: "ann",
      reason: "because",
      deployedAt: at,
      metric: "f1",
    },
  ]);
});

test("active_models: of each project and environment the latest deployment, not the one with the highest number", async () => {
  const history = [
    deployed(1, 1),
    deployed(1, 2, "staging"),
    deployed(2, 2),
    deployed(3, 1),
    { ...deployed(1, 7), data: deployed(1, 7).data.replace("Digits", "Letters") },
  ];
  const rows = await query("SELECT * FROM active_models ORDER BY project, environment", history);
  expect(rows).toMatchObject([
    {
      project: "Digits",
      environment: "production",
      number: 3,
      modelId: "model-1",
      deploymentId: "deployment-production-3",
    },
    { project: "Digits", environment: "staging", number: 1, modelId: "model-2" },
    { project: "Letters", environment: "production", number: 1, modelId: "model-7" },
  ]);
});

test("a plain connection finds in the views what the ledger answers", async () => {
  const path = ledgerFile();
  await using ledger = new LocalLedger(await sqliteEventStore(path, systemRuntime()), { actor: "ann" });
  for (const [project, algorithm, f1] of [
    ["Digits", "knn", 0.5],
    ["Digits", "svm", 0.9],
    ["Digits", "knn", 0.7],
    ["Letters’ “é”", "knn", 0.2],
  ] as const) {
    await ledger.recordTraining({ project, task: "classification", algorithm, metrics: { f1 } });
  }
  await ledger.retireModel({ project: "Digits", model: 3, reason: "leaks" });
  await ledger.deploy({ project: "Digits", environment: "staging", model: 1, reason: "a try" });
  await ledger.rollback({ project: "Digits", reason: "slow" });

  const database = new Database(path, { readonly: true });
  onTestFinished(() => {
    database.close();
  });
  const rows = (query: string): readonly unknown[] => database.prepare(query).all();

  const models = await Array.fromAsync(ledger.models("Digits"));
  expect(models.map(({ isRetired }) => isRetired)).toEqual([false, false, true]);
  expect(rows("SELECT * FROM models WHERE project = 'Digits' ORDER BY version")).toMatchObject(
    models.map((model) => ({
      ...inSql(model, ["modelId", "version", "task", "algorithm", "actor", "reason", "recordedAt", "trainedAt"]),
      metrics: JSON.stringify(model.metrics),
      retired: Number(model.isRetired),
    })),
  );

  const deployments = await Array.fromAsync(ledger.deployments({ order: "asc" }));
  expect(deployments.map(({ number, version }) => [number, version])).toEqual([
    [1, 1],
    [2, 2],
    [1, 1],
    [1, 1],
    [3, 1],
  ]);
  expect(rows("SELECT * FROM deployments ORDER BY position")).toMatchObject(
    deployments.map((deployment) => ({
      ...inSql(deployment, ["project", "environment", "number", "deploymentId", "modelId", "version", "algorithm"]),
      ...inSql(deployment, ["strategy", "replays", "actor", "reason", "commandId", "deployedAt", "recordedAt"]),
      ...inSql(deployment.decision, ["metric", "goal", "score", "previousScore", "candidates"]),
      replacesModelId: deployment.replaces?.modelId ?? null,
      replacesDeploymentId: deployment.replaces?.deploymentId ?? null,
      revision: Number(deployment.revision),
      position: Number(deployment.position),
    })),
  );

  const active = (await Array.fromAsync(ledger.projects())).flatMap((project) => project.active);
  expect(active.map(({ project, environment }) => [project, environment])).toEqual([
    ["Digits", "production"],
    ["Digits", "staging"],
    ["Letters’ “é”", "production"],
  ]);
  expect(rows("SELECT * FROM active_models ORDER BY project, environment")).toMatchObject(
    active.map((model) => ({
      ...inSql(model, ["project", "environment", "modelId", "version", "algorithm", "number", "deploymentId"]),
      ...inSql(model, ["strategy", "score", "deployedAt", "actor", "reason"]),
      revision: Number(model.revision),
    })),
  );
});

/** The fields as a view shows them: what is absent is null. */
const inSql = <Row extends object>(row: Row, fields: readonly (keyof Row)[]): object =>
  Object.fromEntries(fields.map((field) => [field, row[field] ?? null]));
