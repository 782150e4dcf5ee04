import type { Deployment } from "../ledger/deployments.ts";
import type { ActiveRow, ProjectRow } from "../ledger/read-model.ts";
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

export function activeRow([columns, metrics, artifact, policy, score]: ActiveCells): ActiveRow {
  const [, environment, project, deploymentId, number, modelId, version, algorithm, strategy, ...more] = columns;
  const [deployedAt, recordedAt, actor, reason, revision, trainedAt, task] = more;
  return {
    project,
    environment,
    deployment: {
      ...{ deploymentId, number, modelId, version, algorithm, strategy, deployedAt, recordedAt, actor },
      ...(reason !== null && { reason }),
      revision,
      ...(score !== undefined && { score }),
    },
    model: { metrics, ...(artifact && { artifact }), trainedAt },
    task,
    policy,
  };
}

export function projectRow([columns, policy]: ProjectCells, active: readonly ActiveRow[]): ProjectRow {
  const [, project, task, models, retired, deployments, revision, recordedAt] = columns;
  return { project, task, policy, models, retired, deployments, active, recordedAt, revision: BigInt(revision) };
}
