import { lookUp } from "../../projections/dictionary.ts";
import type { ProjectState } from "../../projections/project.ts";
import { isBetter, scoreOf } from "../../projections/scores.ts";
import type { DecisionData } from "../events/events.ts";
import { modelOf } from "./candidates.ts";
import type { RecordTraining } from "./commands.ts";
import { differenceExceeds } from "./decimal.ts";
import { freezeAt, type Policy } from "./policy.ts";

/** Whether a training deploys its own model, and the reason in words that are recorded either way. */
export type Ruling =
  | { readonly outcome: "deployed"; readonly because: string; readonly decision: DecisionData }
  | { readonly outcome: "kept" | "off"; readonly because: string };

/** What is recorded of a training that asked for it: the one trace in the log of what it had asked. */
export const ASKED_NOT_TO_DEPLOY = "the training asked not to be deployed";

/**
 * CONTRACT §4: nothing active → deploy; both scores missing → deploy; the new one missing → keep; the active one's
 * missing → deploy; else it must be better than the model that is active now, by more than `minImprovement`
 * (`not_worse`: at least as good).
 */
export function decideAutomaticDeploy(
  { project, metrics, automaticDeploy }: RecordTraining,
  state: ProjectState,
  policy: Policy,
  now: string,
): Ruling {
  if (!automaticDeploy) return { outcome: "off", because: ASKED_NOT_TO_DEPLOY };
  if (policy.automaticDeploy === "off") return { outcome: "off", because: `the policy of "${project}" is not to` };
  const freeze = freezeAt(policy, now);
  if (freeze !== null) return { outcome: "kept", because: `"${project}" is frozen: ${freeze.reason}` };

  const { metric, goal, environment } = policy;
  const active = lookUp(state.active.environments, environment);
  const score = scoreOf(metrics, metric);
  const previousScore = active ? scoreOf(modelOf(state, active.version).metrics, metric) : null;
  const deploy = (because: string): Ruling => ({
    outcome: "deployed",
    because,
    decision: { candidates: 1, goal, metric, previousScore, score },
  });
  const keep = (because: string): Ruling => ({ outcome: "kept", because });

  if (active === undefined) return deploy(`nothing was active in ${environment}`);
  const other = `version ${active.version}, which is active in ${environment}`;
  if (score === null && previousScore === null) {
    return deploy(`neither this model nor ${other}, has a ${metric ?? "key metric"} to compare`);
  }
  if (score === null) return keep(`it has no ${metric}, and ${other}, has ${previousScore}`);
  if (previousScore === null) return deploy(`it has a ${metric} of ${score}, and ${other}, has none`);

  const versus = `${metric} ${score} against ${previousScore} of ${other}`;
  if (policy.automaticDeploy === "not_worse") {
    return isBetter(goal, previousScore, score) ? keep(`worse: ${versus}`) : deploy(`not worse: ${versus}`);
  }
  if (!isBetter(goal, score, previousScore)) return keep(`not better: ${versus}`);
  const [high, low] = goal === "maximize" ? [score, previousScore] : [previousScore, score];
  const { minImprovement } = policy;
  if (!differenceExceeds(high, low, minImprovement)) {
    return keep(`better, but not by more than ${minImprovement}: ${versus}`);
  }
  return deploy(`better: ${versus}`);
}
