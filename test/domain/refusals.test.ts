import { expect, test } from "vitest";
import {
  A,
  type Asked,
  B,
  deploy,
  deployed,
  given,
  P,
  promote,
  reinstate,
  retire,
  rollBack,
  setPolicy,
  shelved,
  train,
  uuid,
} from "./given.ts";

/** Each refusal to the letter: what was looked for, what was found, what to do next, and the same as data. */

function refusalOf(history: readonly Asked[], asked: Asked) {
  const { outcome } = given(...history).when(asked);
  return "refusal" in outcome ? outcome.refusal : outcome;
}
const expecting = (asked: Asked, expectedRevision: unknown): Asked => ({
  ...asked,
  input: { ...asked.input, expectedRevision },
});

test.each([
  [
    "a project that is not there",
    [],
    deploy(),
    "PROJECT_NOT_FOUND",
    'there is no project "Digits"; its first training or policy makes it',
    { project: P },
  ],
  [
    "no reason where the policy wants one",
    [A, setPolicy({ requireReason: true })],
    deploy(),
    "REASON_REQUIRED",
    'the policy of "Digits" wants a reason with every command; give one',
    { project: P },
  ],
  [
    "a freeze without an end",
    [A, setPolicy({ frozen: { reason: "audit" } })],
    deploy(),
    "PROJECT_FROZEN",
    '"Digits" is frozen: audit. A rollback is still possible, and anything with force',
    { project: P, reason: "audit", until: null },
  ],
  [
    "a freeze with an end",
    [A, setPolicy({ frozen: { reason: "audit", until: "2030-01-01" } })],
    deploy(),
    "PROJECT_FROZEN",
    '"Digits" is frozen until 2030-01-01T00:00:00.000Z: audit. A rollback is still possible, and anything with force',
    { project: P, reason: "audit", until: "2030-01-01T00:00:00.000Z" },
  ],
  [
    "a first training without a task",
    [],
    train("a", 1, { task: undefined }),
    "TASK_REQUIRED",
    'the first training of "Digits" must name its task, for example classification',
    { project: P },
  ],
  [
    "a training for another task",
    [A],
    train("a", 1, { task: "regression" }),
    "TASK_MISMATCH",
    '"Digits" is a classification project; this training is for regression',
    { project: P, task: "classification", given: "regression" },
  ],
  [
    "a promotion from where nothing is active",
    [A],
    promote("staging", "production"),
    "NO_ACTIVE_MODEL",
    'nothing is active in staging of "Digits", so there is nothing to promote',
    { project: P, environment: "staging" },
  ],
  [
    "a model that is retired already",
    [A, retire(1)],
    retire(1),
    "MODEL_RETIRED",
    'version 1 of "Digits" is already retired',
    { project: P, version: 1 },
  ],
  [
    "a retired model without force",
    [A, retire(1)],
    deploy({ model: 1 }),
    "MODEL_RETIRED",
    'version 1 of "Digits" is retired; reinstate it, or use force',
    { project: P, version: 1 },
  ],
  [
    "a model to reinstate that is not there",
    [A],
    reinstate(2),
    "MODEL_NOT_FOUND",
    'there is no model 2 in "Digits": its versions are 1 to 1',
    { project: P, model: 2, models: 1 },
  ],
  [
    "a model in a project without any",
    [setPolicy({ minImprovement: 1 })],
    deploy({ model: uuid(9) }),
    "MODEL_NOT_FOUND",
    `there is no model ${uuid(9)} in "Digits": it has no models yet`,
    { project: P, model: uuid(9), models: 0 },
  ],
  [
    "a named model of another algorithm",
    [A],
    deploy({ model: 1, algorithm: "svm" }),
    "MODEL_NOT_FOUND",
    'version 1 of "Digits" is of algorithm "linear", not "svm"',
    { project: P, model: 1, algorithm: "svm", found: "linear" },
  ],
  [
    "nobody who qualifies",
    [A, B, retire(1)],
    deploy({ algorithm: "linear" }),
    "NO_QUALIFIED_MODEL",
    'no model of algorithm "linear" qualifies in "Digits" (2 models, 1 of them retired, algorithms: svm, linear)',
    { project: P, algorithm: "linear", models: 2, qualified: 1 },
  ],
  [
    "nobody at all",
    [A, retire(1)],
    deploy({ strategy: "most_recent" }),
    "NO_QUALIFIED_MODEL",
    'no model qualifies in "Digits" (1 model, 1 of them retired, algorithms: linear)',
    { project: P, algorithm: null, models: 1, qualified: 0 },
  ],
  [
    "nobody with a score",
    [shelved("a")],
    deploy(),
    "NO_SCORED_MODEL",
    'cannot tell the best in "Digits": no model has the key metric f1 (1 model, algorithms: a)',
    { project: P, algorithm: null, models: 1, qualified: 1, metric: "f1" },
  ],
  [
    "a task without a metric",
    [shelved("a", 1, { task: "embedding" })],
    deploy({ algorithm: "a" }),
    "NO_SCORED_MODEL",
    'cannot tell the best in "Digits": the task embedding has no key metric; set a policy with metric and goal (1 model, algorithms: a)',
    { project: P, algorithm: "a", models: 1, qualified: 1, metric: null },
  ],
  [
    "a rollback where nothing was deployed",
    [A],
    rollBack({ algorithm: "svm" }),
    "NO_PREVIOUS_DEPLOYMENT",
    'nothing was ever deployed in production of "Digits", so there is nothing to roll back to',
    { project: P, environment: "production", algorithm: "svm", steps: 1, found: 0 },
  ],
  [
    "a rollback with nobody to go back to",
    [A, deployed(1)],
    rollBack(),
    "NO_PREVIOUS_DEPLOYMENT",
    'cannot roll back in production of "Digits": besides the active version 1, 0 qualified models can be gone back to (models ever deployed there: 1)',
    { project: P, environment: "production", algorithm: null, steps: 1, found: 0, deployments: 1 },
  ],
  [
    "a rollback further than there are models",
    [A, B, deployed(1), deployed(2)],
    rollBack({ steps: 2, algorithm: "linear" }),
    "NO_PREVIOUS_DEPLOYMENT",
    'cannot roll back 2 steps in production of "Digits": besides the active version 2, 1 qualified model of algorithm "linear" can be gone back to (models ever deployed there: 2)',
    { project: P, environment: "production", algorithm: "linear", steps: 2, found: 1, deployments: 2 },
  ],
  [
    "a deployment that is not there",
    [A, deployed(1)],
    rollBack({ toNumber: 3 }),
    "DEPLOYMENT_NOT_FOUND",
    'there is no deployment 3 in production of "Digits": its deployments are 1 to 1',
    { project: P, environment: "production", number: 3, deployments: 1 },
  ],
  [
    "a deployment where there is none",
    [A],
    rollBack({ toNumber: 1 }),
    "DEPLOYMENT_NOT_FOUND",
    'there is no deployment 1 in production of "Digits": nothing was deployed there yet',
    { project: P, environment: "production", number: 1, deployments: 0 },
  ],
  [
    "a deployment of another algorithm",
    [A, deployed(1)],
    rollBack({ toNumber: 1, algorithm: "svm" }),
    "NO_PREVIOUS_DEPLOYMENT",
    'deployment 1 in production of "Digits" is of algorithm "linear", not "svm"',
    { project: P, environment: "production", number: 1, algorithm: "svm", found: "linear" },
  ],
  [
    "a goal without its metric",
    [A],
    setPolicy({ goal: "minimize" }),
    "INVALID_INPUT",
    "invalid policy: policy.goal: belongs to a metric: name policy.metric too",
    { issues: [{ path: "policy.goal", message: "belongs to a metric: name policy.metric too" }] },
  ],
  [
    "a lost race before anything was deployed",
    [A],
    expecting(deploy(), 4),
    "CONFLICT",
    '"Digits" was expected at revision 4, but it is at 0. Look again, then repeat',
    { project: P, expected: "4", actual: "0" },
  ],
  [
    "a project that was expected and is not there",
    [],
    expecting(train("a", 1), 0),
    "CONFLICT",
    '"Digits" was expected at revision 0, but there is none yet. Look again, then repeat',
    { project: P, expected: "0", actual: "no_stream" },
  ],
] as const)("%s", (_, history, asked, code, message, details) =>
  expect(refusalOf(history, asked)).toEqual({ code, message, details }),
);

test("a metric without a goal is told with what the task has, if it has any", () => {
  const ofTask = (task: string) => given(train("a", undefined, { task })).when(setPolicy({ metric: "recall" })).outcome;
  expect(ofTask("regression")).toMatchObject({
    refusal: { message: expect.stringContaining("(the key metric of regression is r2)") },
  });
  expect(ofTask("embedding")).toMatchObject({
    refusal: { message: expect.stringContaining("(embedding has no key metric)") },
  });
});

test("a lost race names the latest deployment of all environments, and as the winner only if it came after", () => {
  const history = [A, B, deployed(2, { environment: "staging" }), deployed(1)];
  const message =
    '"Digits" was expected at revision 2, but it is at 3; the latest deployment is number 1 in production: version 1 (linear), by test. Look again, then repeat';
  const winner = { environment: "production", version: 1, number: 1, revision: "3" };
  expect(refusalOf(history, expecting(deploy(), 2))).toMatchObject({ code: "CONFLICT", message, details: { winner } });
  expect(refusalOf(history, expecting(train("a", 1), "no_stream"))).toMatchObject({ details: { winner } });
  const again = [...history, deployed(1, { environment: "staging" })];
  expect(refusalOf(again, expecting(deploy(), 3))).toMatchObject({
    details: { winner: { environment: "staging", version: 1, number: 2, revision: "4" } },
  });
  const later = refusalOf([...history, retire(2)], expecting(deploy(), 3));
  expect(later).not.toHaveProperty("details.winner");
  expect(later).toMatchObject({
    message: '"Digits" was expected at revision 3, but it is at 4. Look again, then repeat',
  });
});
