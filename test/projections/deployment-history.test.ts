import { expect, test } from "vitest";
import { evolveActiveModels, initialActiveModels } from "../../projections/active-models.ts";
import { evolveDeploymentHistory, initialDeploymentHistory } from "../../projections/deployment-history.ts";
import { A, B, deploy, deployed, given, retire, setPolicy, uuid } from "../domain/given.ts";

const lived = () =>
  given(
    A,
    B,
    deployed(1),
    deploy({ reason: "the best" }),
    deployed(1, { environment: "constructor" }),
    retire(2),
    setPolicy({ minImprovement: 1 }),
  ).world.log;

/** What both folds keep of a deployment. */
const first = {
  deploymentId: uuid(7),
  number: 1,
  modelId: uuid(2),
  version: 1,
  algorithm: "linear",
  strategy: "specific",
  deployedAt: "2026-01-01T00:00:06.000Z",
  recordedAt: "2026-01-01T00:00:06.000Z",
  actor: "test",
  revision: 2,
};
const second = {
  ...first,
  deploymentId: uuid(9),
  number: 2,
  modelId: uuid(4),
  version: 2,
  algorithm: "svm",
  strategy: "best_score",
  deployedAt: "2026-01-01T00:00:08.000Z",
  recordedAt: "2026-01-01T00:00:08.000Z",
  reason: "the best",
  revision: 3,
};
const elsewhere = {
  ...first,
  deploymentId: uuid(11),
  deployedAt: "2026-01-01T00:00:10.000Z",
  recordedAt: "2026-01-01T00:00:10.000Z",
  revision: 4,
};

test("a history keeps every deployment of an environment, oldest first, with a reason where one was given", () => {
  expect(initialDeploymentHistory()).toEqual({ environments: {} });
  expect(lived().reduce(evolveDeploymentHistory, initialDeploymentHistory())).toStrictEqual({
    environments: { "=production": [first, second], "=constructor": [elsewhere] },
  });
});

test("what is active is the latest of them, and nothing else that happens changes it", () => {
  expect(initialActiveModels()).toEqual({ project: null, environments: {} });
  expect(lived().reduce(evolveActiveModels, initialActiveModels())).toStrictEqual({
    project: "Digits",
    environments: {
      "=production": { environment: "production", ...second },
      "=constructor": { environment: "constructor", ...elsewhere },
    },
  });
});
