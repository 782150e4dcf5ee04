import type { ActiveDeployment } from "../../projections/active-models.ts";
import { itemAt } from "../../projections/paged-list.ts";
import type { ProjectState } from "../../projections/project.ts";
import { scoreOf } from "../../projections/scores.ts";
import { keyMetricInForce } from "../domain/policy.ts";
import type { ModelTrainedData, PolicyData, Strategy } from "../events/events.ts";
import type { Task } from "../events/tasks.ts";

/** The model that serves, with all that whoever serves it needs: what it is, where it lies, who put it there and when. */
export interface ActiveModel {
  readonly project: string;
  readonly environment: string;
  readonly task: Task;
  readonly modelId: string;
  readonly version: number;
  readonly algorithm: string;
  readonly metrics: ModelTrainedData["metrics"];
  /** Of the key metric, for the past as the deployment recorded it; null where the model has none. */
  readonly score: number | null;
  readonly artifact?: ModelTrainedData["artifact"];
  readonly trainedAt: string;
  readonly deploymentId: string;
  readonly number: number;
  readonly strategy: Strategy;
  readonly actor: string;
  readonly reason?: string;
  readonly deployedAt: string;
  /** When the ledger recorded the deployment: the model is active from here on. */
  readonly recordedAt: string;
  /** Of the deployment's event. */
  readonly revision: bigint;
}

/** The deployment; with the score that it was decided by where the past is asked for. */
type Served = Omit<ActiveDeployment, "environment"> & { readonly score?: number | null };

/** A model's facts as the caller gets them, who must not be able to change the fold through them. */
export function handedOut<Facts extends Pick<ActiveModel, "metrics" | "artifact">>(facts: Facts): Facts {
  Object.freeze(facts.metrics);
  Object.freeze(facts.artifact);
  return facts;
}

/** Of the key metric that the project goes by, null where the model has none. */
export function scoreInForce(
  metrics: ActiveModel["metrics"],
  own: PolicyData,
  defaults: PolicyData,
  task: Task,
): number | null {
  return scoreOf(metrics, keyMetricInForce(own, defaults, task).metric);
}

export function activeModelOf(
  { project, task, policy, models }: ProjectState,
  environment: string,
  deployment: Served,
  defaults: PolicyData,
): ActiveModel {
  const { modelId, version, algorithm, deploymentId, number, strategy, actor, reason, score } = deployment;
  const model = itemAt(models, version - 1);
  if (model === undefined || project === null || task === null) {
    throw new RangeError(`deployment ${number} names version ${version}, which is not in the fold`);
  }
  const { metrics, artifact, trainedAt } = handedOut(model);
  return {
    project,
    environment,
    task,
    modelId,
    version,
    algorithm,
    metrics,
    score: score === undefined ? scoreInForce(metrics, policy, defaults, task) : score,
    ...(artifact && { artifact }),
    trainedAt,
    deploymentId,
    number,
    strategy,
    actor,
    ...(reason !== undefined && { reason }),
    deployedAt: deployment.deployedAt,
    recordedAt: deployment.recordedAt,
    revision: BigInt(deployment.revision),
  };
}
