import { eachItem } from "./paged-list.ts";
import type { ProjectState } from "./project.ts";
import { isBetter, type KeyMetric, scoreOf } from "./scores.ts";

/** A model's place on the leaderboard, 1 for the best. */
export interface Place {
  readonly place: number;
  readonly version: number;
  readonly score: number;
}

/** Best first by the key metric, then by version; retired and unscored models are left out (CONTRACT §10). */
export function leaderboard(
  { models }: Pick<ProjectState, "models">,
  { metric, goal }: KeyMetric,
  algorithm?: string,
): Place[] {
  const scored: { version: number; score: number }[] = [];
  eachItem(models, (model, index) => {
    if (model.isRetired || (algorithm !== undefined && model.algorithm !== algorithm)) return;
    const score = scoreOf(model.metrics, metric);
    if (score !== null) scored.push({ version: index + 1, score });
  });
  scored.sort((a, b) => (a.score === b.score ? a.version - b.version : isBetter(goal, a.score, b.score) ? -1 : 1));
  return scored.map(({ version, score }, index) => ({ place: index + 1, version, score }));
}
