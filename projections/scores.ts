import type { PolicyData } from "../src/events/events.ts";
import { type Goal, TASKS, type Task } from "../src/events/tasks.ts";

/** The metric that decides "better" in a project, or null where there is none, and which way is up. */
export interface KeyMetric {
  readonly metric: string | null;
  readonly goal: Goal;
}

/** The policy's metric where it names one, else the task's (CONTRACT §3 and §5). A goal belongs to the metric it was set with. */
export function keyMetric(task: Task | null, policy: PolicyData): KeyMetric {
  const ofTask: KeyMetric = task === null ? { metric: null, goal: "maximize" } : TASKS[task];
  if (policy.metric === undefined) return { metric: ofTask.metric, goal: ofTask.goal };
  return { metric: policy.metric, goal: policy.goal ?? ofTask.goal };
}

/** Whether `score` is strictly better than `other`; as numbers, never as text. */
export function isBetter(goal: Goal, score: number, other: number): boolean {
  return goal === "maximize" ? score > other : score < other;
}

/** The score of a model, or null where it has no such metric. */
export function scoreOf(metrics: Readonly<Record<string, number>>, metric: string | null): number | null {
  if (metric === null || !Object.hasOwn(metrics, metric)) return null;
  return metrics[metric] ?? null;
}
