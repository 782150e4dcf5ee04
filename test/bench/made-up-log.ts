import { v7 } from "uuid";
import type { EventStore, ReadAllOptions, StoredEvent } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";

export interface Shape {
  readonly projects: number;
  readonly deployments: number;
}

const START = Date.UTC(2025, 0, 1);
const ALGORITHMS = ["svm", "random_forest", "k_nearest_neighbors", "logistic_regression", "xgboost"];
const ACTORS = ["ci", "nightly", "ann", "bob", ...Array.from({ length: 46 }, (_, index) => `engineer-${index}`)];
const REASONS = ["the weekly check", "error rate doubled", "a customer compares the two", "too slow at noon"];

export const positionOf = (index: number): string => String(index + 1).padStart(16, "0");
export const timeOf = (index: number): string => new Date(START + index * 10_000).toISOString();

/** One training and one deployment a turn, the projects taking turns; what repeats, repeats as in life: a few names much. */
export function madeUpEvent({ projects }: Shape, index: number): StoredEvent {
  const [turn, isDeployment] = [index >> 1, index % 2 === 1];
  const [project, version] = [`Project ${turn % projects}`, Math.floor(turn / projects) + 1];
  const id = (salt: number) => v7({ msecs: START + turn, seq: salt, random: SALTS[salt] ?? new Uint8Array(16) });
  const pick = (from: readonly string[], salt: number) => from[(turn * salt + (turn >> 3)) % from.length] ?? "";
  const modelId = id(1);
  const algorithm = pick(ALGORITHMS, 7);
  const score = ((turn * 7_919) % 9_973) / 10_000;
  const data = isDeployment
    ? {
        ...{ project, environment: turn % 10 === 3 ? "staging" : "production", deploymentId: id(2), number: version },
        ...{ modelId, version, algorithm, strategy: turn % 17 === 0 ? "rollback" : "new_score" },
        decision: { metric: "f1", goal: "maximize", score, previousScore: 0.5, candidates: version },
        deployedAt: timeOf(turn),
      }
    : {
        ...{ project, modelId, version, task: "classification", algorithm, metrics: { f1: score, accuracy: 0.98 } },
        hyperparams: { trees: 50, depth: 12 },
        artifact: { uri: `s3://models/${turn}`, digest: `sha256:${turn}` },
        ...{ trainedAt: timeOf(turn), automaticDeploy: { outcome: "deployed", because: "better" } },
      };
  const commandId = id(3);
  const reason = turn % 5 === 0 ? `${pick(REASONS, 3)}, ticket ${turn}` : pick(REASONS, 5);
  const metadata = {
    ...{ commandId, actor: pick(ACTORS, 11), ...(isDeployment && { reason }), correlationId: commandId },
    ...{ causationId: commandId, recordedAt: timeOf(turn), schemaVersion: 1, hash: "0".repeat(64) },
  };
  return {
    id: id(isDeployment ? 4 : 5),
    type: isDeployment ? "ModelDeployed" : "ModelTrained",
    data: JSON.stringify(data),
    metadata: JSON.stringify(metadata),
    stream: `modelLedger-${project}`,
    revision: BigInt(2 * (version - 1) + (isDeployment ? 1 : 0)),
    position: positionOf(index),
  };
}

const SALTS = Array.from({ length: 6 }, (_, salt) => new Uint8Array(16).fill(salt));

/** A store whose log is made up as it is read: what is measured is not how long it takes to write a million events. */
export function madeUpStore(shape: Shape): EventStore {
  const events = shape.deployments * 2;
  return {
    ...memoryEventStore(),
    changeCount: () => 1,
    async *readAll({ after, maxCount = events, direction }: ReadAllOptions = {}) {
      if (direction === "backwards") throw new Error("not made up");
      const first = after === undefined ? 0 : Number(after);
      for (let index = first; index < Math.min(events, first + maxCount); index++) yield madeUpEvent(shape, index);
    },
  };
}
