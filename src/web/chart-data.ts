import type { Model, Strategy, Stretch } from "./answers.ts";

/** How the x axis runs: by recorded time (milliseconds), or evenly by the order of the ledger (revisions). */
export type Axis = "time" | "order";

/** What stands at one x of the chart: a training, a deployment, or the end, up to which the last one is active. */
export type Mark =
  | { readonly kind: "trained"; readonly model: Model; readonly score: number | null; readonly recordedAt: string }
  | {
      readonly kind: "deployed";
      readonly number: number;
      readonly version: number;
      readonly algorithm: string;
      readonly strategy: Strategy;
      readonly score: number | null;
      readonly recordedAt: string;
    }
  | { readonly kind: "end"; readonly score: number | null };

export interface ChartData {
  /** Strictly rising, one for each mark. */
  readonly xs: number[];
  readonly marks: readonly Mark[];
  /** Scores of models that may be deployed, of retired ones, and of what was active; undefined where there is nothing. */
  readonly trained: Ys;
  readonly retired: Ys;
  readonly active: Ys;
}

type Ys = (number | null | undefined)[];

/** Events of one millisecond stand beside each other in their order: the chart needs an x of its own for each. */
const APART = 0.001;

export function chartData(
  { models, stretches }: { readonly models: readonly Model[]; readonly stretches: readonly Stretch[] },
  { metric, axis, nowMs }: { readonly metric: string | null; readonly axis: Axis; readonly nowMs: number },
): ChartData {
  const scores = new Map(models.map((model) => [model.version, scoreOf(model, metric)]));
  const placed = [
    ...models.map((model) => ({ revision: Number(model.revision), mark: trainedMark(model, metric) })),
    ...stretches.map((stretch) => ({
      revision: Number(stretch.deployment.revision),
      mark: deployedMark(stretch, scores.get(stretch.model.version) ?? null),
    })),
  ].sort((a, b) => a.revision - b.revision);
  const data = { xs: [], marks: [], trained: [], retired: [], active: [] } as Growing;
  for (const { revision, mark } of placed) {
    const wanted = axis === "order" ? revision + 1 : Date.parse(mark.recordedAt);
    put(data, Math.max(wanted, (data.xs.at(-1) ?? 0) + APART), mark);
  }
  const last = data.xs.at(-1);
  if (last === undefined) return data;
  const score = data.active.findLast((value) => value !== undefined);
  const end = axis === "order" ? last + 0.5 : Math.max(nowMs, last + 1);
  put(data, end, { kind: "end", score: score ?? null });
  return data;
}

interface Growing extends ChartData {
  readonly marks: Mark[];
}

function put(data: Growing, x: number, mark: Mark): void {
  const isRetired = mark.kind === "trained" && mark.model.isRetired;
  data.xs.push(x);
  data.marks.push(mark);
  data.trained.push(mark.kind === "trained" && !isRetired ? (mark.score ?? undefined) : undefined);
  data.retired.push(isRetired ? (mark.score ?? undefined) : undefined);
  // null breaks the line: a model without the metric was active from here on.
  data.active.push(mark.kind === "trained" ? undefined : mark.score);
}

export function scoreOf({ metrics }: Model, metric: string | null): number | null {
  return metric === null ? null : (metrics[metric] ?? null);
}

const trainedMark = (model: Model, metric: string | null) =>
  ({ kind: "trained", model, score: scoreOf(model, metric), recordedAt: model.recordedAt }) as const;

function deployedMark({ model, deployment, activeFrom }: Stretch, score: number | null) {
  const { version, algorithm } = model;
  const { number, strategy } = deployment;
  return { kind: "deployed", number, version, algorithm, strategy, score, recordedAt: activeFrom } as const;
}

/** Where a time lies on the axis: by order, right after the last event that it includes. */
export function placeOf(timeMs: number, { xs, marks }: ChartData, axis: Axis): number {
  if (axis === "time") return timeMs;
  let place = 0;
  for (const [index, mark] of marks.entries()) {
    if (mark.kind === "end" || Date.parse(mark.recordedAt) > timeMs) break;
    place = xs[index] ?? place;
  }
  return place;
}

/**
 * Which of the points to draw: of those that would cover one another, the first. Ten thousand models on a screen are
 * some hundred dots, and zooming in brings the others back.
 */
export function apart(
  points: Iterable<readonly [index: number, left: number, top: number]>,
  cellPixels: number,
): number[] {
  const taken = new Set<string>();
  const kept: number[] = [];
  for (const [index, left, top] of points) {
    const cell = `${Math.round(left / cellPixels)} ${Math.round(top / cellPixels)}`;
    if (taken.has(cell)) continue;
    taken.add(cell);
    kept.push(index);
  }
  return kept;
}
