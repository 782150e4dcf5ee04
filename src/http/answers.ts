import { z } from "zod";
import type { Explanation as LedgerExplanation, TrainingExplanation as LedgerTraining } from "../audit/explanation.ts";
import type { TimelineEntry } from "../audit/timeline.ts";
import type { Verification as LedgerVerification } from "../audit/verify.ts";
import type { Policy as LedgerPolicy } from "../domain/policy.ts";
import {
  Artifact,
  Decision,
  DeploymentRef,
  EVENT_SCHEMAS,
  Freeze,
  GoalName,
  Metadata,
  ModelTrained,
  StrategyName,
  TaskName,
} from "../events/events.ts";
import type { ActiveModel as LedgerActiveModel } from "../ledger/active-model.ts";
import type { Deployment as LedgerDeployment } from "../ledger/deployments.ts";
import type { LeaderboardEntry, ModelEntry, ProjectSummary } from "../ledger/queries.ts";
import type { DeploymentResult, PolicyResult, RetirementResult, TrainingResult } from "../ledger/results.ts";

/**
 * What the service answers, as schemas for its document. They do not compile where they say anything else than the
 * ledger's own types do, and the tests hold every answer to them.
 */

/** As it looks in JSON, where a revision is a decimal string. What a newer version adds is left out of account. */
type Json<T> = T extends bigint
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : T extends object
      ? {
          readonly [Key in keyof T as IsOpen<T, Key> extends true ? never : Key]: IsOptional<T, Key> extends true
            ? Json<T[Key]> | undefined
            : Json<T[Key]>;
        }
      : T;
type IsOpen<T, Key extends keyof T> = string extends Key ? (unknown extends T[Key] ? true : false) : false;
type IsOptional<T, Key extends keyof T> = object extends Pick<T, Key> ? true : false;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** The schema, named in the document, if it says exactly what the ledger's type says. */
const saying =
  <Answer>() =>
  <Schema extends z.ZodType>(
    id: string,
    schema: Same<Json<z.output<Schema>>, Json<Answer>> extends true ? Schema : { readonly differs: Json<Answer> },
  ): Schema =>
    (schema as Schema).meta({ id });

const Revision = z.string().regex(/^\d+$/).describe("A whole number, as text.");
const Position = z.string().describe("A place in the log: opaque, in the order of the log as text.");
const Time = z.iso.datetime({ precision: 3 });
const Id = z.uuid();
const Count = z.int().nonnegative();
const Number1 = z.int().positive();
const Metrics = z.record(z.string(), z.number());
const Model = { modelId: Id, version: Number1, algorithm: z.string() };
const Reason = z.string().optional();

const written = {
  project: z.string(),
  revision: Revision,
  position: Position.optional(),
  dryRun: z.literal(true).optional(),
};

const deployed = {
  environment: z.string(),
  strategy: StrategyName,
  ...Model,
  deploymentId: Id,
  number: Number1,
  replaces: DeploymentRef.optional(),
  replays: Id.optional(),
  promotedFrom: z.string().optional(),
  decision: Decision,
  deployedAt: Time,
};

export const DeploymentDone = saying<DeploymentResult>()("DeploymentResult", z.object({ ...written, ...deployed }));

export const TrainingDone = saying<TrainingResult>()(
  "TrainingResult",
  z.object({
    ...written,
    task: TaskName,
    ...Model,
    metrics: Metrics,
    deployed: z.boolean(),
    deployment: z.object(deployed).optional(),
    because: z.string(),
  }),
);

export const RetirementDone = saying<RetirementResult>()(
  "RetirementResult",
  z.object({
    ...written,
    modelId: Id,
    version: Number1,
    retired: z.boolean(),
    changed: z.boolean(),
    activeIn: z.array(z.string()),
  }),
);

export const Policy = saying<LedgerPolicy>()(
  "Policy",
  z.object({
    automaticDeploy: z.enum(["improved", "not_worse", "off"]),
    minImprovement: z.number(),
    environment: z.string(),
    requireReason: z.boolean(),
    frozen: Freeze.nullable(),
    metric: z.string().nullable(),
    goal: GoalName,
  }),
);

export const PolicyDone = saying<PolicyResult>()("PolicyResult", z.object({ ...written, policy: Policy }));

export const ActiveModel = saying<LedgerActiveModel>()(
  "ActiveModel",
  z.object({
    project: z.string(),
    environment: z.string(),
    task: TaskName,
    ...Model,
    metrics: Metrics,
    score: z.number().nullable(),
    artifact: Artifact.optional(),
    trainedAt: Time,
    deploymentId: Id,
    number: Number1,
    strategy: StrategyName,
    actor: z.string(),
    reason: Reason,
    deployedAt: Time,
    recordedAt: Time,
    revision: Revision,
  }),
);

export const Project = saying<ProjectSummary>()(
  "Project",
  z.object({
    project: z.string(),
    task: TaskName.nullable(),
    policy: Policy,
    models: Count,
    retired: Count,
    deployments: Count,
    active: z.array(ActiveModel),
    recordedAt: Time,
    revision: Revision,
  }),
);

/** A name has been validated when it was recorded; on the way out it is plain text. */
const plainProject = { project: z.string() };

export const TrainedModel = saying<ModelEntry>()(
  "Model",
  ModelTrained.extend({
    ...plainProject,
    isRetired: z.boolean(),
    actor: z.string(),
    reason: Reason,
    recordedAt: Time,
    revision: Revision,
  }),
);

export const Place = saying<LeaderboardEntry>()(
  "LeaderboardEntry",
  z.object({
    place: Number1,
    ...Model,
    metric: z.string(),
    score: z.number(),
    metrics: Metrics,
    trainedAt: Time,
    activeIn: z.array(z.string()),
  }),
);

export const Deployment = saying<LedgerDeployment>()(
  "Deployment",
  z.object({
    project: z.string(),
    ...deployed,
    algorithmFilter: z.string().optional(),
    actor: z.string(),
    reason: Reason,
    commandId: z.string(),
    correlationId: z.string(),
    causationId: z.string(),
    recordedAt: Time,
    revision: Revision,
    position: Position,
  }),
);

export const Stretch = saying<TimelineEntry>()(
  "TimelineEntry",
  z.object({
    model: z.object(Model),
    deployment: z.object({
      deploymentId: Id,
      number: Number1,
      strategy: StrategyName,
      deployedAt: Time,
      recordedAt: Time,
      actor: z.string(),
      reason: Reason,
      revision: Revision,
    }),
    activeFrom: Time,
    activeTo: Time.nullable(),
  }),
);

const Compared = z.object({ ...Model, score: z.number().nullable() });
const Cause = z.object({
  commandId: z.string(),
  correlationId: z.string(),
  causationId: z.string(),
  asked: z.enum(["a training", "a deployment", "a rollback", "a promotion"]),
});

const Earlier = z.object({ deploymentId: Id, number: Number1, version: Number1 });
export const Explanation = saying<LedgerExplanation>()(
  "Explanation",
  z.object({
    deployment: Deployment,
    because: z.string(),
    comparedWith: Compared.nullable(),
    candidates: z.object({ count: Count, others: z.array(Compared.extend({ lostBecause: z.string() })) }),
    replaced: Earlier.extend({ algorithm: z.string(), servedMs: z.number(), modelServedMs: z.number() }).nullable(),
    replayed: Earlier.extend({ isByNumber: z.boolean() }).nullable(),
    forced: z.object({ isRetired: z.boolean(), freeze: z.string().nullable() }).nullable(),
    command: Cause,
    sentence: z.string(),
    paragraph: z.string(),
  }),
);

export const TrainingExplanation = saying<LedgerTraining>()(
  "TrainingExplanation",
  z.object({
    project: z.string(),
    model: z.object(Model),
    outcome: z.enum(["deployed", "kept", "off"]),
    because: z.string(),
    metric: z.string().nullable(),
    goal: GoalName,
    score: z.number().nullable(),
    comparedWith: Compared.extend({ environment: z.string(), number: Number1 }).nullable(),
    deployments: z.array(z.object({ environment: z.string(), number: Number1, deploymentId: Id })),
    actor: z.string(),
    reason: Reason,
    trainedAt: Time,
    recordedAt: Time,
    command: Cause,
    sentence: z.string(),
    paragraph: z.string(),
  }),
);

export const Verification = saying<Omit<LedgerVerification, "checkpoint">>()(
  "Verification",
  z.object({
    ok: z.boolean(),
    events: Count,
    streams: Count,
    firstBroken: z
      .object({ stream: z.string(), revision: Revision, why: z.string(), line: Number1.optional() })
      .optional(),
  }),
);

const { ModelTrained: Trained, ...others } = EVENT_SCHEMAS;
/** What the `data:` of a server-sent event holds. */
export const Recorded = z
  .object({
    id: Id,
    type: z.enum(Object.keys(EVENT_SCHEMAS) as [keyof typeof EVENT_SCHEMAS]),
    data: z.union([Trained, ...Object.values(others)].map((schema) => schema.extend(plainProject))),
    metadata: Metadata,
    stream: z.string(),
    revision: Revision,
    position: Position,
    recordedAt: Time,
  })
  .meta({ id: "RecordedEvent" });

export const pageWith = <Row extends z.ZodType>(row: Row) =>
  z.object({ items: z.array(row), next: z.string().describe("Goes back as `cursor`.").optional() });
