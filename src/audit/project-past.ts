import { lookUp, names } from "../../projections/dictionary.ts";
import { leaderboard } from "../../projections/leaderboard.ts";
import {
  countBefore,
  eachItem,
  emptyList,
  indexOfId,
  itemAt,
  type PagedList,
  setItem,
} from "../../projections/paged-list.ts";
import type { Model, PastDeployment, ProjectState } from "../../projections/project.ts";
import type { PolicyData } from "../events/events.ts";

/**
 * The project as it was just before an event, told from the fold as it is now: what an explanation needs without
 * folding the stream anew.
 */

/** Where a deployment stands. */
export interface PlacedDeployment {
  readonly environment: string;
  readonly number: number;
  readonly version: number;
  readonly deploymentId: string;
  readonly revision: number;
}

const deployedIn = (state: ProjectState, environment: string): PagedList<PastDeployment> =>
  lookUp(state.environments, environment)?.deployed ?? emptyList();

const placed = ({ id, version, revision }: PastDeployment, environment: string, number: number): PlacedDeployment => ({
  ...{ environment, number, version, deploymentId: id, revision },
});

export function deploymentNumbered(
  state: ProjectState,
  environment: string,
  number: number,
): PlacedDeployment | undefined {
  const found = itemAt(deployedIn(state, environment), number - 1);
  return found && placed(found, environment, number);
}

export function deploymentOfId(state: ProjectState, deploymentId: string): PlacedDeployment | undefined {
  for (const environment of names(state.environments)) {
    const index = indexOfId(deployedIn(state, environment), deploymentId);
    if (index >= 0) return deploymentNumbered(state, environment, index + 1);
  }
  return undefined;
}

/** The first of the deployments that put the same model into the environment one after the other, up to this one. */
export function runBefore(state: ProjectState, last: PlacedDeployment): PlacedDeployment {
  const deployed = deployedIn(state, last.environment);
  let { number } = last;
  while (itemAt(deployed, number - 2)?.version === last.version) number -= 1;
  return deploymentNumbered(state, last.environment, number) ?? last;
}

/** The deployment that was active in an environment just before the event at `revision`. */
export function activeBefore(state: ProjectState, environment: string, revision: number): PlacedDeployment | undefined {
  return deploymentNumbered(state, environment, countBefore(deployedIn(state, environment), revision));
}

/** The policy that the project had set just before the event at `revision`. */
export function policyBefore({ past }: ProjectState, revision: number): PolicyData {
  return past.policies.findLast((set) => set.revision < revision)?.policy ?? {};
}

/** The models that were trained before the event at `revision`, retired as they were then. */
export function modelsBefore({ models, past }: ProjectState, revision: number): PagedList<Model> {
  const retired = new Map<number, boolean>();
  for (const change of past.retirements) {
    if (change.revision > revision) break;
    retired.set(change.version, change.isRetired);
  }
  const then = emptyList<Model>();
  eachItem(models, (model, index) => {
    if (model.revision >= revision) return false;
    const isRetired = retired.get(index + 1) ?? false;
    setItem(then, index, model.isRetired === isRetired ? model : { ...model, isRetired });
    return true;
  });
  return then;
}

/** Best first, as the leaderboard was just before the event at `revision`. */
export function leaderboardBefore(
  state: ProjectState,
  revision: number,
  key: Parameters<typeof leaderboard>[1],
  algorithm: string | undefined,
) {
  return leaderboard({ models: modelsBefore(state, revision) }, key, algorithm);
}

/** The models that a rollback at `revision` could go back to, by their latest deployment, newest first. */
export function returnableBefore(
  state: ProjectState,
  { environment, revision }: { readonly environment: string; readonly revision: number },
  algorithm: string | undefined,
): readonly PlacedDeployment[] {
  const models = modelsBefore(state, revision);
  const deployed = deployedIn(state, environment);
  const active = countBefore(deployed, revision);
  const seen = new Set<number>();
  const found: PlacedDeployment[] = [];
  for (let number = active; number > 0; number--) {
    const one = itemAt(deployed, number - 1);
    const model = one && itemAt(models, one.version - 1);
    if (one === undefined || model === undefined || seen.has(one.version)) continue;
    seen.add(one.version);
    const isActive = number === active;
    if (isActive || model.isRetired || (algorithm !== undefined && model.algorithm !== algorithm)) continue;
    found.push(placed(one, environment, number));
  }
  return found;
}
