import type { EventStore, ReadAllOptions, ReadStreamOptions, StoredEvent } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";

export interface Shape {
  readonly projects: number;
  readonly deployments: number;
}

const START = Date.UTC(2025, 0, 1);
const MODELS_A_PROJECT = 2;
const ALGORITHMS = ["svm", "random_forest", "k_nearest_neighbors", "logistic_regression", "xgboost"];
const ACTORS = ["ci", "nightly", "ann", "bob", ...Array.from({ length: 46 }, (_, index) => `engineer-${index}`)];
const REASONS = ["the weekly check", "error rate doubled", "a customer compares the two", "too slow at noon"];

export const positionOf = (index: number): string => String(index + 1).padStart(16, "0");
export const timeOf = (index: number): string => new Date(START + index * 10_000).toISOString();
export const eventsIn = ({ projects, deployments }: Shape): number => projects * MODELS_A_PROJECT + deployments;

/** A UUID of its own for each kind and number. */
const idOf = (kind: number, number: number): string =>
  `01940000-000${kind}-7000-8000-${number.toString(16).padStart(12, "0")}`;

const pick = (from: readonly string[], number: number): string => from[number % from.length] ?? "";

/** First every project's trainings, then deployments, the projects taking turns; a few names come often, as in life. */
function madeUpEvent(shape: Shape, index: number): StoredEvent {
  const { projects } = shape;
  const turn = index - projects * MODELS_A_PROJECT;
  const isDeployment = turn >= 0;
  const owner = (isDeployment ? turn : index) % projects;
  const round = Math.floor((isDeployment ? turn : index) / projects);
  const version = (round % MODELS_A_PROJECT) + 1;
  const project = `Project ${owner}`;
  const modelId = idOf(1, owner * MODELS_A_PROJECT + version);
  const algorithm = pick(ALGORITHMS, owner + version);
  const score = ((index * 7_919) % 9_973) / 10_000;
  const decision = { metric: "f1", goal: "maximize", score, previousScore: 0.5, candidates: 2 };
  const data = isDeployment
    ? {
        ...{ project, environment: owner % 10 === 3 ? "staging" : "production", deploymentId: idOf(2, index) },
        ...{ number: round + 1, modelId, version, algorithm, strategy: turn % 17 === 0 ? "rollback" : "most_recent" },
        ...{ decision, deployedAt: timeOf(index) },
      }
    : {
        ...{ project, modelId, version, task: "classification", algorithm, metrics: { f1: score, accuracy: 0.98 } },
        ...{ hyperparams: {}, artifact: { uri: `s3://${index}`, digest: `sha256:${index}` }, trainedAt: timeOf(index) },
        automaticDeploy: { outcome: "off", because: "the policy says off" },
      };
  const commandId = idOf(3, index);
  const reason = turn % 5 === 0 ? `${pick(REASONS, turn * 3)}, ticket ${turn}` : pick(REASONS, turn >> 2);
  const metadata = {
    ...{ commandId, actor: pick(ACTORS, turn * 11 + (turn >> 3)), ...(isDeployment && { reason }) },
    ...{ correlationId: commandId, causationId: commandId, recordedAt: timeOf(index), schemaVersion: 1 },
    hash: "0".repeat(64),
  };
  return {
    id: idOf(4, index),
    type: isDeployment ? "ModelDeployed" : "ModelTrained",
    data: JSON.stringify(data),
    metadata: JSON.stringify(metadata),
    stream: `modelLedger-${project}`,
    revision: BigInt(isDeployment ? MODELS_A_PROJECT + round : round),
    position: positionOf(index),
  };
}

/**
 * A store whose log is made up as it is read: to write a million events is not what is measured. More `deployments` in its
 * shape are more events at the end.
 */
export function madeUpStore(shape: Shape): EventStore {
  const events = () => eventsIn(shape);
  async function* stretch(first: number, maxCount: number): AsyncGenerator<StoredEvent> {
    for (let index = first; index < Math.min(events(), first + maxCount); index++) yield madeUpEvent(shape, index);
  }
  return {
    ...memoryEventStore(),
    changeCount: events,
    readAll: ({ after, maxCount = events() }: ReadAllOptions = {}) =>
      stretch(after === undefined ? 0 : Number(after), maxCount),
    async *readStream(stream: string, { from = 0n, maxCount = events() }: ReadStreamOptions = {}) {
      const owner = Number(stream.slice(stream.lastIndexOf(" ") + 1));
      for (let revision = Number(from); revision < Number(from) + maxCount; revision++) {
        const index = revision * shape.projects + owner;
        if (index >= events()) return;
        yield madeUpEvent(shape, index);
      }
    },
  };
}
