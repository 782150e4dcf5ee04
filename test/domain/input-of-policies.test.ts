import { describe, expect, test } from "vitest";
import { complaintsOf, policy, taken } from "./input.ts";

/** What a policy may set, and what is said of what it may not, to the letter. */

describe("a policy", () => {
  test.each([
    [{ automaticDeploy: "improved" }],
    [{ automaticDeploy: "not_worse" }],
    [{ automaticDeploy: "off" }],
    [{ minImprovement: 0 }],
    [{ metric: "loss", goal: "minimize" }],
    [{ goal: "maximize" }],
    [{ environment: "staging", requireReason: true }],
    [{ frozen: { reason: "audit", until: "2026-05-04T00:00:00.000Z" } }],
    [
      {
        automaticDeploy: null,
        minImprovement: null,
        metric: null,
        goal: null,
        environment: null,
        requireReason: null,
        frozen: null,
      },
    ],
  ])("may set %j", (given) => expect(policy(given)).toEqual({ project: "Digits", policy: given, dryRun: false }));
  test("ends a freeze at a moment, however it is written", () =>
    expect(policy({ frozen: { reason: "audit", until: new Date(0) } })).toMatchObject({
      policy: { frozen: { until: "1970-01-01T00:00:00.000Z" } },
    }));
  test.each([
    [{}, ["policy: names nothing to set"]],
    [{ metric: undefined }, ["policy: names nothing to set"]],
    [{ minimprovement: 1, metric: "f1" }, ["policy.minimprovement: is not known here"]],
    [{ automaticDeploy: "always" }, ["policy.automaticDeploy: must be one of improved, not_worse, off"]],
    [{ minImprovement: -0.1 }, ["policy.minImprovement: must be at least 0"]],
    [{ minImprovement: "0.1" }, ["policy.minImprovement: must be a number, not a string"]],
    [{ metric: "" }, ["policy.metric: must not be empty"]],
    [{ goal: "up" }, ["policy.goal: must be one of maximize, minimize"]],
    [
      { environment: "A" },
      [
        "policy.environment: must be 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit (for example production)",
      ],
    ],
    [{ requireReason: "yes" }, ["policy.requireReason: must be a boolean, not a string"]],
    [{ frozen: true }, ["policy.frozen: must be an object, not a boolean"]],
    [{ frozen: {} }, ["policy.frozen.reason: is required"]],
    [{ frozen: { reason: " " } }, ["policy.frozen.reason: must not be empty"]],
    [{ frozen: { reason: "audit", since: "now" } }, ["policy.frozen.since: is not known here"]],
    [
      { frozen: { reason: "audit", until: "soon" } },
      ["policy.frozen.until: must be a Date or an ISO 8601 time with a zone, for example 2026-05-04T10:00:00Z"],
    ],
  ])("may not set %j", (given, complaints) => expect(complaintsOf(() => policy(given))).toEqual(complaints));
  test("must be there, and alone", () => {
    expect(complaintsOf(() => taken("SetPolicy", {}))).toEqual(["policy: is required"]);
    expect(complaintsOf(() => taken("SetPolicy", { policy: { metric: null }, metric: null }))).toEqual([
      "metric: is not known here",
    ]);
  });
});
