import { z } from "zod";
import { ModelRef, Moment } from "../domain/commands.ts";
import { type RecordedEvent, StrategyName } from "../events/events.ts";
import { Actor, AlgorithmName, EnvironmentName, ProjectName, Reason, Text } from "../events/names.ts";
import { PositionText, READ_OPTIONS } from "./positions.ts";
import type { DeploymentResult } from "./results.ts";
import { holds, searchable } from "./searchable.ts";

export const DeploymentsFilter = z
  .strictObject({
    project: ProjectName.optional(),
    environment: EnvironmentName.optional(),
    actor: Actor.optional(),
    strategy: StrategyName.optional(),
    algorithm: AlgorithmName.optional(),
    /** By id, or by version where a project is given. */
    model: ModelRef.optional(),
    /** Of the deployed model's artifact. */
    artifactDigest: Text.min(1, "must not be empty").optional(),
    /** Text that the reason contains, in whatever case. */
    reason: Reason.optional(),
    /** Recorded at this moment or later. */
    from: Moment.optional(),
    /** Recorded before this moment. */
    to: Moment.optional(),
    order: z.enum(["asc", "desc"]).default("desc"),
    limit: z.int().positive().optional(),
    /** The cursor: the position of the last row of the page before. */
    after: PositionText.optional(),
    ...READ_OPTIONS,
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ["to"],
    message: "must not be before `from`",
  });
export type DeploymentsFilter = z.input<typeof DeploymentsFilter>;

/** A filter that was checked, and the one model that it names, if it does. */
export interface DeploymentSearch extends Omit<z.output<typeof DeploymentsFilter>, "model" | "minPosition"> {
  readonly modelId?: string | undefined;
}

/** A deployment as history tells it: what the event says, and who, why and when. */
export interface Deployment extends Omit<DeploymentResult, "dryRun" | "position"> {
  readonly algorithmFilter?: string;
  readonly actor: string;
  readonly reason?: string;
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly recordedAt: string;
  readonly position: string;
}

export type DeployedEvent = Extract<RecordedEvent, { readonly type: "ModelDeployed" }>;

/** Whether the event is one of those searched for, as far as it can tell itself: it knows no artifact. */
export function isSearchedFor({ data, metadata, recordedAt }: DeployedEvent, search: DeploymentSearch): boolean {
  const { environment, strategy, algorithm, modelId, reason, from, to } = search;
  return (
    (environment === undefined || data.environment === environment) &&
    (search.actor === undefined || metadata.actor === search.actor) &&
    (strategy === undefined || data.strategy === strategy) &&
    (algorithm === undefined || data.algorithm === algorithm) &&
    (modelId === undefined || data.modelId === modelId) &&
    (reason === undefined || holds(searchable(metadata.reason ?? ""), searchable(reason))) &&
    (from === undefined || recordedAt >= from) &&
    (to === undefined || recordedAt < to)
  );
}

/** A deployment's event as a row of history. */
export function deploymentOfEvent({ data, metadata, revision, position, recordedAt }: DeployedEvent): Deployment {
  const { actor, reason, commandId, correlationId, causationId } = metadata;
  const { project, environment, number, deploymentId, modelId, version, algorithm, strategy } = data;
  const { algorithmFilter, replaces, replays, promotedFrom, decision, deployedAt } = data;
  return {
    project,
    environment,
    number,
    deploymentId,
    modelId,
    version,
    algorithm,
    strategy,
    ...(algorithmFilter !== undefined && { algorithmFilter }),
    ...(replaces && { replaces }),
    ...(replays !== undefined && { replays }),
    ...(promotedFrom !== undefined && { promotedFrom }),
    decision,
    actor,
    ...(reason !== undefined && { reason }),
    commandId,
    correlationId,
    causationId,
    deployedAt,
    recordedAt,
    revision,
    position,
  };
}
