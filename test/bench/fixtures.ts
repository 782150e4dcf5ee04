import type { RecordTrainingInput } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { EventStore, NewEvent } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";

/** A training as a job would send it. Scores go up and down, so that some deploy and most do not. */
export function training(project: string, index: number): RecordTrainingInput {
  return {
    project,
    task: "classification",
    algorithm: ["random_forest", "svm", "logistic_regression", "k_nearest_neighbors"][index % 4] ?? "svm",
    metrics: { f1: ((index * 7_919) % 9_973) / 10_000, accuracy: 0.981, precision: 0.964, recall: 0.957 },
    hyperparams: { trees: 50, depth: 12, seed: index },
    snapshot: { relation: "mnist", rows: 10_000 },
  };
}

/** A history in memory: `models` trainings and as many deployments, alternating strategies. */
export async function historyOf(project: string, models: number): Promise<EventStore> {
  const store = memoryEventStore();
  const ledger = new LocalLedger(store);
  for (let index = 0; index < models; index++) {
    const { deployed } = await ledger.recordTraining(training(project, index));
    if (!deployed) await ledger.deploy({ project, strategy: index % 3 === 0 ? "best_score" : "most_recent" });
  }
  return store;
}

/** Copies a stream, many events an append. */
export async function copyStream(from: EventStore, to: EventStore, stream: string): Promise<number> {
  let batch: NewEvent[] = [];
  let revision = -1n;
  let count = 0;
  const flush = async () => {
    if (batch.length === 0) return;
    ({ revision } = await to.append(stream, batch, revision === -1n ? "no_stream" : revision));
    batch = [];
  };
  for await (const { id, type, data, metadata } of from.readStream(stream)) {
    batch.push({ id, type, data, metadata });
    count += 1;
    if (batch.length === 400) await flush();
  }
  await flush();
  return count;
}
