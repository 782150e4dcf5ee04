import { describe, expect, test } from "vitest";
import { checkRule, WhatIfRule } from "../../src/domain/what-if.ts";
import {
  A,
  B,
  C,
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
import { drawn, replayed, UNTIL } from "./replaying.ts";

/** What would have been deployed without a model, or by another strategy, and what a rule may be. */

describe("without a model", () => {
  test.each([
    ["a training", [train("a", 0.5), train("b", 0.9), train("c", 0.7)], ["1:1", "2:-", "-:3"]],
    ["who was the best", [A, B, C, deploy()], ["2:1"]],
    ["who was the latest", [A, B, deploy({ strategy: "most_recent" })], ["2:1"]],
    ["who was retired and reinstated", [A, B, retire(2), reinstate(2), deploy()], ["2:1"]],
    ["whoever was named", [A, B, deployed(1), deploy({ model: 2 }), rollBack()], ["1:1", "2:-", "1:-"]],
    [
      "a rollback goes as many steps back, and further in time",
      [A, B, C, deployed(1), deployed(3), deploy({ model: 2 }), deployed(3), rollBack()],
      ["1:1", "3:3", "2:-", "3:3", "2:1"],
    ],
    [
      "a rollback of two steps finds nobody so far back",
      [A, B, C, deployed(1), deploy({ model: 2 }), deployed(3), rollBack({ steps: 2 })],
      ["1:1", "2:-", "3:3", "1:-"],
    ],
    [
      "a rollback to itself is refused, though a freeze would let one through",
      [A, B, deploy({ model: 2 }), setPolicy({ frozen: { reason: "audit" } }), rollBack({ toNumber: 1 })],
      ["2:-", "2:-"],
    ],
  ] as const)("that has %s, others are deployed or nobody", (_, history, rows) => {
    expect(drawn({ without: 2 }, ...history)).toEqual(rows);
    expect(drawn({ without: uuid(4) }, ...history)).toEqual(rows);
  });
  test("whoever is named or gone back to is told as retired", () => {
    const { log } = given(A, B, deploy({ model: 2 }), rollBack({ toNumber: 1 })).world;
    expect(replayed({ without: 2 }, log).rows.map(({ refused }) => refused?.code)).toEqual([
      "MODEL_RETIRED",
      "MODEL_RETIRED",
    ]);
  });
});

describe("by another strategy", () => {
  const BEST: WhatIfRule = { strategy: "best_score" };
  const LATEST: WhatIfRule = { strategy: "most_recent" };
  test("a training deploys whoever that finds, and says so", () => {
    const { world } = given(train("a", 0.5), train("b", 0.4));
    expect(replayed(LATEST, world.log).rows).toMatchObject([
      { revision: 1n, actual: { strategy: "new_score" }, alternative: { version: 1, strategy: "most_recent" } },
      { revision: 2n, actual: null, alternative: { version: 2, strategy: "most_recent" } },
    ]);
  });
  test.each([
    ["whoever is active already is not deployed again", BEST, [train("a", 0.5), train("b", 0.4)], ["1:1"]],
    ["a training that asked not to deploy does not", LATEST, [train("a", 0.5), shelved("b", 0.9)], ["1:1"]],
    [
      "a training without whom it is asked deploys nobody",
      { ...LATEST, without: 2 },
      [train("a", 0.5), train("b", 0.9)],
      ["1:1", "2:-"],
    ],
    [
      "where trainings deploy nothing they do not",
      LATEST,
      [setPolicy({ automaticDeploy: "off" }), train("a", 0.5)],
      [],
    ],
    [
      "the policy says where a training deploys",
      LATEST,
      [setPolicy({ environment: "staging" }), train("a", 0.5), train("b", 0.4)],
      ["staging 1:1", "staging -:2"],
    ],
    [
      "a training needs no reason where commands do",
      LATEST,
      [train("a", 0.5), setPolicy({ requireReason: true }), train("b", 0.4)],
      ["1:1", "-:2"],
    ],
    [
      "a freeze holds trainings back",
      LATEST,
      [train("a", 0.5), setPolicy({ frozen: { reason: "audit" } }), train("b", 0.9)],
      ["1:1"],
    ],
    ["whoever was named gives way", BEST, [A, B, deployed(1)], ["1:2"]],
    ["the algorithm that was asked for stays", BEST, [A, B, C, deploy({ model: 3, algorithm: "knn" })], ["3:3"]],
    ["rollbacks give way", LATEST, [A, B, deployed(1), deployed(2), rollBack()], ["1:2", "2:2", "1:2"]],
    ["the latest gives way to the best", BEST, [B, A, deploy({ strategy: "most_recent" })], ["2:1"]],
    [
      "a promotion takes whoever is active, not whoever the strategy would find",
      LATEST,
      [A, deployed(1), B, promote("production", "staging")],
      ["1:1", "staging 1:1"],
    ],
    [
      "promotions stay what they are",
      BEST,
      [A, B, deployed(1), promote("production", "staging")],
      ["1:2", "staging 1:2"],
    ],
  ] as const)("%s", (_, rule, history, rows) => expect(drawn(rule, ...history)).toEqual(rows));
  test("a reason that was given goes on", () => {
    const { log } = given(train("a", 0.5), setPolicy({ requireReason: true }), deploy({ reason: "x" })).world;
    expect(replayed(BEST, log).rows).toMatchObject([{ differs: false }, { differs: false }]);
  });
});

describe("a rule", () => {
  test.each([[{}], [{ until: UNTIL }]])("that changes nothing by name is none: %j", (rule) =>
    expect(WhatIfRule.safeParse(rule).error?.issues).toMatchObject([
      { path: [], message: "name what is to be different: policy, without or strategy" },
    ]),
  );
  test.each([
    [{ policy: {} }],
    [{ without: "3" }],
    [{ strategy: "best_score" }],
    [{ strategy: "most_recent", until: "2026-02-01" }],
  ])("may be %j", (rule) => expect(WhatIfRule.safeParse(rule).success).toBe(true));
  test.each([[{ strategy: "rollback" }], [{ strategy: "best_score", more: 1 }], [{ without: 0 }]])(
    "may not be %j",
    (rule) => expect(WhatIfRule.safeParse(rule).success).toBe(false),
  );
  test("leaves out a model that there is", () => {
    const { state } = given(A, B).world;
    expect(() => checkRule({ strategy: "best_score" }, state)).not.toThrow();
    expect(() => checkRule({ without: 2 }, state)).not.toThrow();
    expect(() => checkRule({ without: 3 }, state)).toThrow(
      expect.objectContaining({
        code: "MODEL_NOT_FOUND",
        message: 'there is no model 3 in "Digits": its versions are 1 to 2',
        details: { project: P, model: 3 },
      }),
    );
  });
});
