import { z } from "zod";
import { JsonObjectSchema } from "./json-value.ts";
import { Actor, AlgorithmName, CommandId, EnvironmentName, ProjectName, Reason, Text, Uuid } from "./names.ts";
import { TASKS, type Task } from "./tasks.ts";

/**
 * The vocabulary of the ledger. These schemas are the single source of the types; the CLI, HTTP and the documentation
 * take theirs from here. Objects are loose: a field written by a newer version survives a read by this one.
 */

export const TaskName = z.enum(Object.keys(TASKS) as [Task, ...Task[]]);
export const GoalName = z.enum(["maximize", "minimize"]);
export const Timestamp = z.iso.datetime({ precision: 3 });
const Version = z.int().positive();

/** Metric name to value. Finite numbers only: NaN and infinity cannot be compared, nor written as JSON. */
export const Metrics = z.record(Text.min(1, "a metric needs a name"), z.number());
/** The data the model was trained on. `rows` is a count, `digest` whatever identifies the content. */
export const Snapshot = z.looseObject({
  relation: Text.min(1),
  rows: z.int().nonnegative().optional(),
  digest: Text.min(1).optional(),
});
/** Where the trained model lies, and the digest that identifies its bytes. */
export const Artifact = z.looseObject({ uri: Text.min(1), digest: Text.min(1).optional() });
export const Labels = z.record(Text.min(1), Text);

export const STRATEGIES = ["best_score", "most_recent", "rollback", "specific", "new_score"] as const;
export const StrategyName = z.enum(STRATEGIES);

export const DeploymentRef = z.looseObject({ modelId: Uuid, deploymentId: Uuid });

/** What a deployment was decided on. `score` and `previousScore` are null where the model has no such metric. */
export const Decision = z.looseObject({
  metric: z.string().nullable(),
  goal: GoalName,
  score: z.number().nullable(),
  previousScore: z.number().nullable(),
  /** How many models the strategy could have deployed, the one deployed among them. */
  candidates: z.int().nonnegative(),
});

/** A model was trained. `automaticDeploy` says whether it was deployed at once, and why or why not. */
export const ModelTrained = z.looseObject({
  project: ProjectName,
  modelId: Uuid,
  version: Version,
  task: TaskName,
  algorithm: AlgorithmName,
  metrics: Metrics,
  hyperparams: JsonObjectSchema,
  snapshot: Snapshot.optional(),
  artifact: Artifact.optional(),
  labels: Labels.optional(),
  trainedAt: Timestamp,
  automaticDeploy: z.looseObject({ outcome: z.enum(["deployed", "kept", "off"]), because: z.string() }),
});

/** A model became active in an environment. A rollback is one of these too: `replays` names the deployment it repeats. */
export const ModelDeployed = z.looseObject({
  project: ProjectName,
  environment: EnvironmentName,
  deploymentId: Uuid,
  number: z.int().positive(),
  modelId: Uuid,
  version: Version,
  algorithm: AlgorithmName,
  strategy: StrategyName,
  algorithmFilter: AlgorithmName.optional(),
  replaces: DeploymentRef.optional(),
  replays: Uuid.optional(),
  promotedFrom: EnvironmentName.optional(),
  forced: z.literal(true).optional(),
  decision: Decision,
  deployedAt: Timestamp,
});

/** A model was taken out of the running. `activeIn`: the environments where it goes on serving all the same. */
export const ModelRetired = z.looseObject({
  project: ProjectName,
  modelId: Uuid,
  version: Version,
  activeIn: z.array(EnvironmentName),
});

export const ModelReinstated = z.looseObject({ project: ProjectName, modelId: Uuid, version: Version });

const AutomaticDeploy = z.enum(["improved", "not_worse", "off"]);
export const Freeze = z.looseObject({ reason: Reason, until: Timestamp.optional() });

/** What a project has set of its own; a field that is absent follows the default. */
export const PolicyFields = z.looseObject({
  automaticDeploy: AutomaticDeploy.optional(),
  minImprovement: z.number().nonnegative().optional(),
  metric: Text.min(1).optional(),
  goal: GoalName.optional(),
  environment: EnvironmentName.optional(),
  requireReason: z.boolean().optional(),
  frozen: Freeze.nullable().optional(),
});

/** The project's policy changed. `policy` is everything the project has set from here on, `changed` what was asked for. */
export const PolicySet = z.looseObject({
  project: ProjectName,
  policy: PolicyFields,
  changed: z.array(z.string()),
});

export const EVENT_SCHEMAS = { ModelTrained, ModelDeployed, ModelRetired, ModelReinstated, PolicySet } as const;
export type EventType = keyof typeof EVENT_SCHEMAS;
export const EVENT_TYPES = Object.keys(EVENT_SCHEMAS) as EventType[];
export const EventTypeName = z.enum(EVENT_TYPES);

export const Metadata = z.looseObject({
  commandId: CommandId,
  /** SHA-256 of the command's input, written when the caller chose the commandId: tells a retry from a reuse. */
  commandDigest: z.string().optional(),
  actor: Actor,
  reason: Reason.optional(),
  correlationId: Text,
  causationId: Text,
  recordedAt: Timestamp,
  schemaVersion: z.int().positive(),
  /** The trace that the command was given in, as W3C Trace Context has it. */
  traceparent: z.string().optional(),
  tracestate: z.string().optional(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Drops the index signature that a loose schema brings, so that a misspelt field does not compile. */
type Known<T> = T extends readonly (infer Item)[]
  ? readonly Known<Item>[]
  : T extends object
    ? { readonly [Key in keyof T as string extends Key ? never : Key]: T[Key] }
    : T;

type Data<Type extends EventType> = Known<z.infer<(typeof EVENT_SCHEMAS)[Type]>>;
export type ModelTrainedData = Data<"ModelTrained">;
export type ModelDeployedData = Data<"ModelDeployed">;
export type DecisionData = Known<z.infer<typeof Decision>>;
export type PolicyData = Known<z.infer<typeof PolicyFields>>;
export type EventMetadata = Known<z.infer<typeof Metadata>>;
export type Strategy = z.infer<typeof StrategyName>;

/** A fact, proposed: what `decide` states. */
export type LedgerEvent =
  | { readonly type: "ModelTrained"; readonly data: ModelTrainedData }
  | { readonly type: "ModelDeployed"; readonly data: ModelDeployedData }
  | { readonly type: "ModelRetired"; readonly data: Data<"ModelRetired"> }
  | { readonly type: "ModelReinstated"; readonly data: Data<"ModelReinstated"> }
  | { readonly type: "PolicySet"; readonly data: Data<"PolicySet"> };

/** A fact in the log. Times are ISO 8601 UTC with milliseconds; `position` orders all events of a store as text. */
export type RecordedEvent = LedgerEvent & {
  readonly id: string;
  readonly metadata: EventMetadata;
  readonly stream: string;
  readonly revision: bigint;
  readonly position: string;
  readonly recordedAt: string;
};
