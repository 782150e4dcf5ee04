import type { DecisionData, ModelDeployedData, ModelTrainedData, RecordedEvent, Strategy } from "../events/events.ts";
import type { Task } from "../events/tasks.ts";

/**
 * What commands answer. Each answer is made from the recorded events alone, so that a repeated commandId can be given
 * the first answer again, from the log.
 */

/** Where a command left the project: `revision` is what to expect next, `position` what a read can wait for. */
interface Written {
  readonly project: string;
  readonly revision: bigint;
  /** Absent for a dry run in a project that has no events. */
  readonly position?: string;
  /** Nothing was written: what stands here is what would have happened. */
  readonly dryRun?: true;
}

export interface DeploymentResult extends Written {
  readonly environment: string;
  readonly strategy: Strategy;
  readonly algorithm: string;
  readonly modelId: string;
  readonly version: number;
  /** In a dry run, an id that will not be used. */
  readonly deploymentId: string;
  readonly number: number;
  readonly replaces?: ModelDeployedData["replaces"];
  readonly replays?: string;
  readonly promotedFrom?: string;
  readonly decision: DecisionData;
  readonly deployedAt: string;
}

export interface TrainingResult extends Written {
  readonly task: Task;
  readonly algorithm: string;
  readonly modelId: string;
  readonly version: number;
  readonly metrics: ModelTrainedData["metrics"];
  readonly deployed: boolean;
  readonly deployment?: Omit<DeploymentResult, keyof Written>;
  /** Why the model was deployed, or why not. */
  readonly because: string;
}

export interface RetirementResult extends Written {
  readonly modelId: string;
  readonly version: number;
  readonly retired: boolean;
  /** False when there was nothing to do. */
  readonly changed: boolean;
  /** The environments that go on serving it until their next deployment. */
  readonly activeIn: readonly string[];
}

export interface PolicyResult extends Written {
  /** The policy now in force, defaults filled in. */
  readonly policy: import("../domain/policy.ts").Policy;
}

export type EventOf<Type extends RecordedEvent["type"]> = Extract<RecordedEvent, { readonly type: Type }>;

export function deploymentOf({ data }: EventOf<"ModelDeployed">): Omit<DeploymentResult, keyof Written> {
  const { environment, strategy, algorithm, modelId, version, deploymentId, number } = data;
  const { replaces, replays, promotedFrom, decision, deployedAt } = data;
  return {
    environment,
    strategy,
    algorithm,
    modelId,
    version,
    deploymentId,
    number,
    ...(replaces && { replaces }),
    ...(replays !== undefined && { replays }),
    ...(promotedFrom !== undefined && { promotedFrom }),
    decision,
    deployedAt,
  };
}

export function trainingOf(
  { data }: EventOf<"ModelTrained">,
  deployment: EventOf<"ModelDeployed"> | undefined,
): Omit<TrainingResult, keyof Written> {
  const { task, algorithm, modelId, version, metrics, automaticDeploy } = data;
  return {
    task,
    algorithm,
    modelId,
    version,
    metrics: Object.freeze(metrics), // the fold holds them too
    deployed: deployment !== undefined,
    ...(deployment && { deployment: deploymentOf(deployment) }),
    because: automaticDeploy.because,
  };
}
