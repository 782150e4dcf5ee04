import { expect, test } from "vitest";
import { keyMetric, scoreOf } from "../../projections/scores.ts";

test("without a metric there is no score, also where a metric is called null", () => {
  expect(scoreOf({ null: 1 }, null)).toBeNull();
  expect(scoreOf({ null: 1 }, "null")).toBe(1);
});

test("before the task is known nothing is compared, unless the policy names a metric", () => {
  expect(keyMetric(null, {})).toEqual({ metric: null, goal: "maximize" });
  expect(keyMetric(null, { metric: "loss" })).toEqual({ metric: "loss", goal: "maximize" });
});
