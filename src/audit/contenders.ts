import { eachItem, itemAt } from "../../projections/paged-list.ts";
import type { ProjectState } from "../../projections/project.ts";
import { scoreOf } from "../../projections/scores.ts";
import type { Deployment } from "../ledger/deployments.ts";
import type { Contender } from "./explanation.ts";
import { leaderboardBefore, modelsBefore, returnableBefore } from "./project-past.ts";

/** So many of those that were not deployed are told of. */
export const MAX_OTHERS = 5;

/** The best of those that qualified and were not deployed, and why each of them lost. */
export function contenders(deployment: Deployment, state: ProjectState): Contender[] {
  switch (deployment.strategy) {
    case "best_score":
    case "most_recent":
      return otherScores(deployment, state);
    case "rollback":
      return isByNumber(deployment, state) ? [] : otherReturns(deployment, state);
    // A training is weighed against the active model alone, and a model that was named against none.
    case "specific":
    case "new_score":
      return [];
  }
}

/**
 * Whether a rollback named the deployment that it repeats. One that counts steps looks at all that can be gone back to
 * and repeats the latest deployment of what it finds; where either would have come to the same they read the same.
 */
export function isByNumber(deployment: Deployment, state: ProjectState): boolean {
  const { strategy, decision, replays } = deployment;
  if (strategy !== "rollback") return false;
  const places = returnable(deployment, state);
  return places.length !== decision.candidates || places.every((place) => place.deploymentId !== replays);
}

const returnable = ({ environment, revision, algorithmFilter }: Deployment, state: ProjectState) =>
  returnableBefore(state, { environment, revision: Number(revision) }, algorithmFilter);

/** Those with a score, best first, then those without. */
function otherScores(deployment: Deployment, state: ProjectState): Contender[] {
  const { strategy, version, decision, algorithmFilter, revision } = deployment;
  const scored = leaderboardBefore(state, Number(revision), decision, algorithmFilter).slice(0, MAX_OTHERS + 1);
  const others = scored.filter((place) => place.version !== version);
  const left = MAX_OTHERS - others.length;
  const unscored = left > 0 ? unscoredBefore(deployment, state, left) : [];
  const lostBecause = (score: number | null): string => {
    if (strategy === "most_recent") return "it was trained earlier";
    if (score === null) return `it has no ${decision.metric}`;
    if (score === decision.score) return "its score is the same, and it was trained later";
    return `its ${decision.metric} of ${score} is not better than ${decision.score}`;
  };
  return [...others.slice(0, MAX_OTHERS), ...unscored.map((one) => ({ version: one, score: null }))].flatMap(
    ({ version: other, score }) => contender(state, other, score, lostBecause(score)),
  );
}

function unscoredBefore(deployment: Deployment, state: ProjectState, most: number): number[] {
  const { decision, algorithmFilter, revision, version } = deployment;
  const found: number[] = [];
  eachItem(modelsBefore(state, Number(revision)), ({ algorithm, isRetired, metrics }, index) => {
    const isAsked = algorithmFilter === undefined || algorithm === algorithmFilter;
    const isScored = scoreOf(metrics, decision.metric) !== null;
    if (isAsked && !isRetired && !isScored && index + 1 !== version) found.push(index + 1);
    return found.length < most;
  });
  return found;
}

function otherReturns(deployment: Deployment, state: ProjectState): Contender[] {
  const { version, decision } = deployment;
  const places = returnable(deployment, state);
  const chosen = places.findIndex((place) => place.version === version);
  return places
    .filter((place) => place.version !== version)
    .slice(0, MAX_OTHERS)
    .flatMap((place) => {
      const lostBecause =
        places.indexOf(place) < chosen
          ? `its latest deployment, ${place.number}, is more recent than what was gone back to`
          : `its latest deployment, ${place.number}, is further back`;
      const metrics = itemAt(state.models, place.version - 1)?.metrics ?? {};
      return contender(state, place.version, scoreOf(metrics, decision.metric), lostBecause);
    });
}

function contender(state: ProjectState, version: number, score: number | null, lostBecause: string): Contender[] {
  const model = itemAt(state.models, version - 1);
  return model === undefined ? [] : [{ version, modelId: model.id, algorithm: model.algorithm, score, lostBecause }];
}
