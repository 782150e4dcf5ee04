import Database from "better-sqlite3";
import { v7 } from "uuid";
import { expect, test } from "vitest";
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
