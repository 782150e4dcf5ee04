import type { DeploymentResult, Strategy } from "./answers.ts";
import { asScore, plural } from "./format.ts";

const NAMES = {
  best_score: "best score",
  most_recent: "most recent",
  rollback: "rollback",
  specific: "by name",
  new_score: "at its training",
} as const satisfies Record<Strategy, string>;

export const STRATEGIES = Object.keys(NAMES) as Strategy[];

export const asStrategy = (strategy: Strategy): string => NAMES[strategy];

/** Why this model, in a clause. */
export function whyOf({ strategy, decision, promotedFrom }: DeploymentResult): string {
  const { metric, score, previousScore, candidates } = decision;
  const scores = metric === null ? "" : ` (${metric} ${asScore(score)}, before ${asScore(previousScore)})`;
  switch (strategy) {
    case "best_score":
      return `the best score of ${plural(candidates, "candidate")}${scores}`;
    case "most_recent":
      return `the most recent of ${plural(candidates, "candidate")}${scores}`;
    case "rollback":
      return `back to an earlier deployment${scores}`;
    case "specific":
      return promotedFrom === undefined ? `asked for by name${scores}` : `promoted from ${promotedFrom}${scores}`;
    case "new_score":
      return `its training deployed it${scores}`;
  }
}
