import type { DecisionData, ModelDeployedData, PolicyData, Strategy } from "../events/events.ts";
import { parseJson } from "../events/parse-json.ts";
import type { Task } from "../events/tasks.ts";
import type { Deployment } from "../ledger/deployments.ts";
import type { ActiveRow, ProjectRow } from "../ledger/read-model.ts";
import type { Cell } from "./wire.ts";

/** From flat cells to what the ledger answers, fields in the order of its other answers. */

interface Rest {
  readonly algorithmFilter?: string;
  readonly replaces?: NonNullable<ModelDeployedData["replaces"]>;
  readonly replays?: string;
  readonly promotedFrom?: string;
  readonly decision: DecisionData;
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string;
}

export function deploymentRow(cells: readonly Cell[], at: number): Deployment {
  const text = (index: number) => cells[at + index] as string;
  const { decision, commandId, correlationId, causationId, ...more } = JSON.parse(text(14)) as Rest;
  const reason = cells[at + 10];
  return {
    project: text(1),
    environment: text(2),
    number: cells[at + 3] as number,
    deploymentId: text(4),
    modelId: text(5),
    version: cells[at + 6] as number,
    algorithm: text(7),
    strategy: text(8) as Strategy,
    ...more,
    decision,
    actor: text(9),
    ...(typeof reason === "string" && { reason }),
    commandId,
    correlationId,
    causationId,
    deployedAt: text(11),
    recordedAt: text(12),
    revision: BigInt(cells[at + 13] as number),
    position: text(0),
  };
}

export function activeRow(cells: readonly Cell[], at: number): ActiveRow {
  const text = (index: number) => cells[at + index] as string;
  const [reason, artifact, score] = [cells[at + 12], cells[at + 15], cells[at + 19]];
  return {
    project: text(1),
    environment: text(2),
    deployment: {
      deploymentId: text(3),
      number: cells[at + 4] as number,
      modelId: text(5),
      version: cells[at + 6] as number,
      algorithm: text(7),
      strategy: text(8) as Strategy,
      deployedAt: text(9),
      recordedAt: text(10),
      actor: text(11),
      ...(typeof reason === "string" && { reason }),
      revision: cells[at + 13] as number,
      ...(typeof score === "string" && { score: JSON.parse(score) as number | null }),
    },
    model: {
      metrics: parseJson(text(14)) as Record<string, number>,
      ...(typeof artifact === "string" && { artifact: JSON.parse(artifact) as { readonly uri: string } }),
      trainedAt: text(16),
    },
    task: text(17) as Task,
    policy: policyOf(text(18)),
  };
}

export function projectRow(cells: readonly Cell[], at: number, active: readonly ActiveRow[]): ProjectRow {
  return {
    project: cells[at + 1] as string,
    task: cells[at + 2] as Task | null,
    policy: policyOf(cells[at + 3] as string),
    models: cells[at + 4] as number,
    retired: cells[at + 5] as number,
    deployments: cells[at + 6] as number,
    active,
    recordedAt: cells[at + 8] as string,
    revision: BigInt(cells[at + 7] as number),
  };
}

const policyOf = (text: string): PolicyData => JSON.parse(text) as PolicyData;
