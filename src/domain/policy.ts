import { type KeyMetric, keyMetric } from "../../projections/scores.ts";
import type { PolicyData } from "../events/events.ts";
import { DEFAULT_ENVIRONMENT } from "../events/names.ts";
import { TASKS, type Task } from "../events/tasks.ts";
import type { SetPolicy } from "./commands.ts";

/** A project's policy with every default filled in. `metric` is null where neither the policy nor the task has one. */
export interface Policy extends KeyMetric {
  readonly automaticDeploy: "improved" | "not_worse" | "off";
  readonly minImprovement: number;
  readonly environment: string;
  readonly requireReason: boolean;
  readonly frozen: { readonly reason: string; readonly until?: string | undefined } | null;
}

/** What holds in a project: its own policy, then `defaults` (the ledger's), then CONTRACT §5. */
export function policyInForce(own: PolicyData, defaults: PolicyData, task: Task | null): Policy {
  return {
    automaticDeploy: own.automaticDeploy ?? defaults.automaticDeploy ?? "improved",
    minImprovement: own.minImprovement ?? defaults.minImprovement ?? 0,
    environment: own.environment ?? defaults.environment ?? DEFAULT_ENVIRONMENT,
    requireReason: own.requireReason ?? defaults.requireReason ?? false,
    // A copy: the policy is handed out, and what a caller does to it must not reach the fold.
    frozen: copied(own.frozen ?? defaults.frozen),
    ...keyMetricInForce(own, defaults, task),
  };
}

/** The metric that decides: the project's own, then the ledger's default, then the task's. */
export function keyMetricInForce(own: PolicyData, defaults: PolicyData, task: Task | null): KeyMetric {
  return keyMetric(task, own.metric === undefined ? defaults : own);
}

const copied = (freeze: PolicyData["frozen"]): Policy["frozen"] => (freeze ? { ...freeze } : null);

type Change = SetPolicy["policy"];
export type Merged = { readonly policy: PolicyData } | { readonly fault: { path: string; message: string } };

/**
 * The project's own policy after `change`. A goal belongs to its metric: it goes when the metric goes, and another
 * metric than the task's must bring its own (CONTRACT §10).
 */
export function mergePolicy(own: PolicyData, change: Change, task: Task | null): Merged {
  const merged: Record<string, unknown> = { ...own };
  for (const [field, value] of Object.entries(change)) {
    if (value === undefined) continue;
    if (value === null) delete merged[field];
    else merged[field] = value;
  }
  const { metric, goal } = change;
  const isOtherMetric = metric != null && metric !== own.metric;
  if ((isOtherMetric || metric === null) && goal === undefined) delete merged.goal;
  const policy: PolicyData = merged;
  if (policy.goal !== undefined && policy.metric === undefined) {
    return { fault: { path: "policy.goal", message: "belongs to a metric: name policy.metric too" } };
  }
  const isOfTask = task !== null && policy.metric === TASKS[task].metric;
  if (policy.metric !== undefined && policy.goal === undefined && !isOfTask) {
    const own = task === null ? null : TASKS[task].metric;
    const none = task === null ? "the project has no task yet" : `${task} has no key metric`;
    const known = own === null ? none : `the key metric of ${task} is ${own}`;
    return {
      fault: { path: "policy.goal", message: `say whether to maximize or minimize "${policy.metric}" (${known})` },
    };
  }
  return { policy };
}

/** The freeze that holds at `now` (ISO 8601), if any. */
export function freezeAt(policy: Policy, now: string): Policy["frozen"] {
  const { frozen } = policy;
  return frozen !== null && (frozen.until === undefined || now < frozen.until) ? frozen : null;
}
