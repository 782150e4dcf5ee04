import type { EventMetadata, LedgerEvent, Strategy } from "../src/events/events.ts";
import { type Dictionary, enter } from "./dictionary.ts";

/** An event as the folds see it, on every engine. `revision` is a plain number: the state is JSON. */
export type FoldedEvent = LedgerEvent & {
  readonly metadata: Pick<EventMetadata, "recordedAt" | "actor" | "reason" | "commandId" | "commandDigest" | "hash">;
  readonly revision: number;
};

/** The deployment that is active in an environment. */
export interface ActiveDeployment {
  readonly environment: string;
  readonly deploymentId: string;
  readonly number: number;
  readonly modelId: string;
  readonly version: number;
  readonly algorithm: string;
  readonly strategy: Strategy;
  readonly deployedAt: string;
  readonly recordedAt: string;
  readonly actor: string;
  readonly reason?: string;
  readonly revision: number;
}

export interface ActiveModels {
  project: string | null;
  readonly environments: Dictionary<ActiveDeployment>;
}

export const initialActiveModels = (): ActiveModels => ({ project: null, environments: {} });

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/** A deployment's own facts, as the folds keep them. A spread for each event would cost as much as the rest of a fold. */
export function deploymentFacts({
  data,
  metadata,
  revision,
}: Extract<FoldedEvent, { readonly type: "ModelDeployed" }>): Omit<ActiveDeployment, "environment"> {
  const { deploymentId, number, modelId, version, algorithm, strategy, deployedAt } = data;
  const { recordedAt, actor, reason } = metadata;
  const facts: Writable<Omit<ActiveDeployment, "environment">> = {
    deploymentId,
    number,
    modelId,
    version,
    algorithm,
    strategy,
    deployedAt,
    recordedAt,
    actor,
    revision,
  };
  if (reason !== undefined) facts.reason = reason;
  return facts;
}

/** What is active: the model of the latest deployment, in each environment. Nothing else ever decides it. */
export function evolveActiveModels(state: ActiveModels, event: FoldedEvent): ActiveModels {
  if (event.type !== "ModelDeployed") return state;
  const { project, environment } = event.data;
  state.project = project;
  enter(state.environments, environment, { environment, ...deploymentFacts(event) });
  return state;
}
