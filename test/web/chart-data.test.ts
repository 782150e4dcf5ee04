import fc from "fast-check";
import { expect, test } from "vitest";
import { openLedger } from "../../src/index.ts";
import type { Model, Stretch } from "../../src/web/answers.ts";
import { apart, chartData, placeOf } from "../../src/web/chart-data.ts";

/** As the service answers it: a revision is text in JSON. */
const asJson = <Answer>(value: unknown): Answer =>
  JSON.parse(JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part))) as Answer;

/** Five events: two models that were deployed at once, one without the metric, one that was kept, and a rollback. */
async function digits() {
  await using ledger = await openLedger("memory:");
  const project = "Digits";
  await ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1: 0.8 } });
  await ledger.recordTraining({ project, algorithm: "knn", metrics: { accuracy: 0.9 }, automaticDeploy: false });
  await ledger.deploy({ project, model: 2 });
  await ledger.rollback({ project });
  await ledger.retireModel({ project, model: 2 });
  const models = asJson<Model[]>(await ledger.models(project));
  const stretches = asJson<Stretch[]>(await ledger.timeline(project));
  return { models, stretches };
}

test("every event has an x of its own, in the order of the ledger, also within one millisecond", async () => {
  const { xs, marks } = chartData(await digits(), { metric: "f1", axis: "time", nowMs: 0 });
  expect(marks.map((mark) => mark.kind)).toEqual(["trained", "deployed", "trained", "deployed", "deployed", "end"]);
  for (const [index, x] of xs.slice(1).entries()) expect(x).toBeGreaterThan(xs[index] ?? Number.NaN);
});

test("the active line follows the deployments, breaks where no score is known, and goes on to the end", async () => {
  const { active, trained, retired } = chartData(await digits(), { metric: "f1", axis: "order", nowMs: 0 });
  expect(active).toEqual([undefined, 0.8, undefined, null, 0.8, 0.8]);
  expect(trained).toEqual([0.8, undefined, undefined, undefined, undefined, undefined]);
  expect(retired).toEqual(trained.map(() => undefined)); // the retired one has no f1
  const { retired: byAccuracy } = chartData(await digits(), { metric: "accuracy", axis: "order", nowMs: 0 });
  expect(byAccuracy).toEqual([undefined, undefined, 0.9, undefined, undefined, undefined]);
});

test("along the order of events, x is the number of the event in the project", async () => {
  const data = chartData(await digits(), { metric: "f1", axis: "order", nowMs: 0 });
  expect(data.xs).toEqual([1, 2, 3, 4, 5, 5.5]);
  expect(placeOf(0, data, "order")).toBe(0);
  expect(placeOf(Date.now() + 1_000, data, "order")).toBe(5);
});

test("without a metric there is still something to hang the deployments on", async () => {
  const { active, marks } = chartData(await digits(), { metric: null, axis: "time", nowMs: 0 });
  expect(active.every((score) => score == null)).toBe(true);
  expect(marks).toHaveLength(6);
  expect(chartData({ models: [], stretches: [] }, { metric: null, axis: "time", nowMs: 0 }).xs).toEqual([]);
});

test("of points that would cover one another the first is drawn, and no point is far from one that is", () => {
  const point = fc.tuple(fc.double({ min: 0, max: 50, noNaN: true }), fc.double({ min: 0, max: 50, noNaN: true }));
  fc.assert(
    fc.property(fc.array(point, { maxLength: 300 }), fc.integer({ min: 1, max: 10 }), (points, cell) => {
      const kept = apart(
        points.map(([left, top], index) => [index, left, top] as const),
        cell,
      );
      expect(kept.length).toBeLessThanOrEqual((Math.ceil(50 / cell) + 1) ** 2);
      for (const [left, top] of points) {
        const isNear = kept.some((index) => {
          const [x = 0, y = 0] = points[index] ?? [];
          return Math.abs(x - left) <= cell && Math.abs(y - top) <= cell;
        });
        expect(isNear).toBe(true);
      }
    }),
  );
});
