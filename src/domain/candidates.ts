import { lookUp, names } from "../../projections/dictionary.ts";
import { eachItem, indexOfId, itemAt } from "../../projections/paged-list.ts";
import { type EnvironmentState, isLatest, type Model, type ProjectState } from "../../projections/project.ts";
import { isBetter, type KeyMetric, scoreOf } from "../../projections/scores.ts";
import type { ModelRef } from "./commands.ts";

/** Who qualifies and who wins, asked of the fold. Versions throughout; nothing here refuses. */

export interface Winner {
  readonly version: number;
  readonly candidates: number;
}

export function modelOf(state: ProjectState, version: number): Model {
  const model = itemAt(state.models, version - 1);
  if (model === undefined) throw new RangeError(`version ${version} is not in the fold`);
  return model;
}

/** The version that a reference names, or undefined when the project has no such model. */
export function versionOf(state: ProjectState, reference: ModelRef): number | undefined {
  if (typeof reference === "number") return itemAt(state.models, reference - 1) && reference;
  const index = indexOfId(state.models, reference);
  return index < 0 ? undefined : index + 1;
}

const ofAlgorithm = (state: ProjectState, algorithm: string | undefined) =>
  algorithm === undefined ? state.everyone : lookUp(state.algorithms, algorithm);

/** How many models qualify: not retired, and of the algorithm when one is given. */
export function qualifiedCount(state: ProjectState, algorithm: string | undefined): number {
  return ofAlgorithm(state, algorithm)?.count ?? 0;
}

/** The best score; among equals the one trained first. Undefined when no qualified model has the metric. */
export function bestScored(state: ProjectState, key: KeyMetric, algorithm: string | undefined): Winner | undefined {
  const candidates = qualifiedCount(state, algorithm);
  const isRankedBy = key.metric === state.ranking.metric && key.goal === state.ranking.goal;
  const version = isRankedBy ? (ofAlgorithm(state, algorithm)?.best ?? 0) : scanForBest(state, key, algorithm);
  return version === 0 ? undefined : { version, candidates };
}

/** For a metric that the fold does not rank by: the ledger's default policy names one that the project's log does not. */
function scanForBest({ models }: ProjectState, { metric, goal }: KeyMetric, algorithm: string | undefined): number {
  let best = 0;
  let bestScore: number | null = null;
  eachItem(models, (model, index) => {
    if (model.isRetired || (algorithm !== undefined && model.algorithm !== algorithm)) return;
    const score = scoreOf(model.metrics, metric);
    if (score === null || (bestScore !== null && !isBetter(goal, score, bestScore))) return;
    best = index + 1;
    bestScore = score;
  });
  return best;
}

/** The one trained last: the highest version. `trainedAt` is the caller's word and decides nothing. */
export function trainedLast(state: ProjectState, algorithm: string | undefined): Winner | undefined {
  const candidates = ofAlgorithm(state, algorithm);
  return candidates && candidates.latest > 0 ? { version: candidates.latest, candidates: candidates.count } : undefined;
}

export interface Previous extends Winner {
  /** The number of the deployment that is replayed. */
  readonly number: number;
}

/** How many models a rollback could go back to: deployed here before, qualified, and not the active one. */
export function returnableCount(
  state: ProjectState,
  environment: EnvironmentState,
  activeVersion: number,
  algorithm: string | undefined,
): number {
  const active = modelOf(state, activeVersion);
  const isActiveAmong = !active.isRetired && (algorithm === undefined || active.algorithm === algorithm);
  const all = algorithm === undefined ? environment.returnable : (lookUp(environment.returnableOf, algorithm) ?? 0);
  return isActiveAmong ? all - 1 : all;
}

/**
 * The `steps`-th qualified model before the active one, counting the environment's distinct models by their latest
 * deployment, newest first (CONTRACT §4). The algorithm filter looks at the candidates, never at the active model.
 */
export function deployedBefore(
  state: ProjectState,
  environment: EnvironmentState,
  activeVersion: number,
  { steps, algorithm }: { readonly steps: number; readonly algorithm: string | undefined },
): Previous | undefined {
  const candidates = returnableCount(state, environment, activeVersion, algorithm);
  if (candidates < steps) return undefined;
  let left = steps;
  for (let index = environment.recent.length - 1; index >= 0; index--) {
    const number = environment.recent[index] ?? 0;
    const version = itemAt(environment.deployed, number - 1)?.version ?? 0;
    if (version === activeVersion || !isLatest(environment, number)) continue;
    const model = modelOf(state, version);
    if (model.isRetired || (algorithm !== undefined && model.algorithm !== algorithm)) continue;
    left -= 1;
    if (left === 0) return { version, number, candidates };
  }
  return undefined;
}

/** "7 models, algorithms: linear, xgboost", for refusals. Long lists are cut. */
export function population(state: ProjectState): string {
  const found = new Set(names(state.algorithms));
  eachItem(state.models, ({ algorithm }, index) => {
    found.add(algorithm); // all of an algorithm may be retired
    return index < 100;
  });
  const algorithms = [...found];
  const shown =
    algorithms.slice(0, 10).join(", ") + (algorithms.length > 10 ? `, … (${algorithms.length} in all)` : "");
  const retired = state.models.length - state.everyone.count;
  const count = `${state.models.length} model${state.models.length === 1 ? "" : "s"}`;
  return count + (retired > 0 ? `, ${retired} of them retired` : "") + (shown === "" ? "" : `, algorithms: ${shown}`);
}
