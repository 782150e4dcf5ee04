import type { PolicyData } from "../events/events.ts";
import { type ActiveModel, handedOut, scoreInForce } from "../ledger/active-model.ts";
import type { Deployment } from "../ledger/deployments.ts";
import type { ProjectRow } from "../ledger/read-model.ts";
import type { ActiveCells, DeploymentCells, ProjectCells } from "./wire.ts";

/** From what the thread answers to what the ledger does, fields in the order of its other answers. */

export function deploymentRow([columns, rest]: DeploymentCells): Deployment {
  const [position, project, environment, number, deploymentId, modelId, version, algorithm, strategy, ...more] =
    columns;
  const [actor, reason, deployedAt, recordedAt, revision] = more;
  const { decision, commandId, correlationId, causationId, ...optional } = rest;
  return {
    ...{ project, environment, number, deploymentId, modelId, version, algorithm, strategy },
    ...optional,
    decision,
    actor,
    ...(reason !== null && { reason }),
    ...{ commandId, correlationId, causationId, deployedAt, recordedAt },
    revision: BigInt(revision),
    position,
  };
}

/** `defaults`: what holds where a project has set nothing. */
export function activeModel([columns, metrics, artifact, policy]: ActiveCells, defaults: PolicyData): ActiveModel {
  const [, environment, project, deploymentId, number, modelId, version, algorithm, strategy, ...more] = columns;
  const [deployedAt, recordedAt, actor, reason, revision, trainedAt, task, score] = more;
  return handedOut({
    ...{ project, environment, task, modelId, version, algorithm, metrics },
    score: score === undefined ? scoreInForce(metrics, policy, defaults, task) : score,
    ...(artifact && { artifact }),
    ...{ trainedAt, deploymentId, number, strategy, actor },
    ...(reason !== null && { reason }),
    ...{ deployedAt, recordedAt },
    revision: BigInt(revision),
  });
}

export function projectRow([columns, policy]: ProjectCells, active: readonly ActiveModel[]): ProjectRow {
  const [, project, task, models, retired, deployments, revision, recordedAt] = columns;
  return { project, task, policy, models, retired, deployments, active, recordedAt, revision: BigInt(revision) };
}
