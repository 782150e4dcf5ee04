import { type ActiveDeployment, deploymentFacts, type FoldedEvent } from "./active-models.ts";
import { type Dictionary, enter, lookUp } from "./dictionary.ts";

/** One deployment as the history keeps it: enough to answer what was active when. */
export type PastDeployment = Omit<ActiveDeployment, "environment">;

export interface DeploymentHistory {
  /** By environment, oldest first: `number` is the index + 1, and `recordedAt` never goes back. */
  readonly environments: Dictionary<PastDeployment[]>;
}

export const initialDeploymentHistory = (): DeploymentHistory => ({ environments: {} });

export function evolveDeploymentHistory(state: DeploymentHistory, event: FoldedEvent): DeploymentHistory {
  if (event.type !== "ModelDeployed") return state;
  const { environment } = event.data;
  let past = lookUp(state.environments, environment);
  if (past === undefined) {
    past = [];
    enter(state.environments, environment, past);
  }
  past.push(deploymentFacts(event));
  return state;
}
