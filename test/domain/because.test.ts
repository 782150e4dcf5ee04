import { expect, test } from "vitest";
import { A, type Asked, deploy, given, latency, setPolicy, shelved, train } from "./given.ts";

/** Why a training was deployed or not, in the words that are recorded. */

const frozen = setPolicy({ frozen: { reason: "audit" } });
const unscored = setPolicy({ environment: "staging" });

test.each([
  ["off", "the training asked not to be deployed", [], shelved("a", 1)],
  ["off", 'the policy of "Digits" is not to', [setPolicy({ automaticDeploy: "off" })], train("a", 1)],
  ["kept", '"Digits" is frozen: audit', [frozen], train("a", 1)],
  ["deployed", "nothing was active in production", [], train("a", 1)],
  ["deployed", "nothing was active in staging", [train("a", 1), unscored], train("b", 0.1)],
  [
    "deployed",
    "neither this model nor version 1, which is active in production, has a f1 to compare",
    [train("a")],
    train("b"),
  ],
  [
    "deployed",
    "neither this model nor version 1, which is active in production, has a key metric to compare",
    [train("a", 1, { task: "embedding" })],
    train("b", 2, { task: "embedding" }),
  ],
  ["kept", "it has no f1, and version 1, which is active in production, has 0", [train("a", 0)], train("b")],
  ["deployed", "it has a f1 of 0, and version 1, which is active in production, has none", [train("a")], train("b", 0)],
  [
    "kept",
    "worse: f1 0.7 against 0.8 of version 1, which is active in production",
    [train("a", 0.8), setPolicy({ automaticDeploy: "not_worse" })],
    train("b", 0.7),
  ],
  [
    "deployed",
    "not worse: f1 0.8 against 0.8 of version 1, which is active in production",
    [train("a", 0.8), setPolicy({ automaticDeploy: "not_worse" })],
    train("b", 0.8),
  ],
  [
    "kept",
    "not better: f1 0.8 against 0.8 of version 1, which is active in production",
    [train("a", 0.8)],
    train("b", 0.8),
  ],
  [
    "kept",
    "better, but not by more than 0.1: f1 0.9 against 0.8 of version 2, which is active in production",
    [shelved("a", 1), train("b", 0.8), setPolicy({ minImprovement: 0.1 })],
    train("c", 0.9),
  ],
  [
    "kept",
    "better, but not by more than 2: latency 8 against 10 of version 1, which is active in production",
    [latency(10), setPolicy({ metric: "latency", goal: "minimize", minImprovement: 2 })],
    latency(8),
  ],
  [
    "deployed",
    "better: latency 7 against 10 of version 1, which is active in production",
    [latency(10), setPolicy({ metric: "latency", goal: "minimize", minImprovement: 2 })],
    latency(7),
  ],
  [
    "deployed",
    "better: f1 0.9 against 0.8 of version 1, which is active in production",
    [A, deploy()],
    train("b", 0.9),
  ],
] as const)("%s: %s", (outcome, because, history: readonly Asked[], asked) => {
  const { outcome: found } = given(...history).when(asked);
  expect(found).toMatchObject({
    events: [{ data: { automaticDeploy: { outcome, because } } }, ...(outcome === "deployed" ? [{}] : [])],
  });
});
