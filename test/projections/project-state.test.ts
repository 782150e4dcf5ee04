import { describe, expect, test } from "vitest";
import { lookUp } from "../../projections/dictionary.ts";
import { evolveProject, GENESIS_HASH, initialProject } from "../../projections/project.ts";
import {
  type Asked,
  deploy,
  deployed,
  given,
  reinstate,
  retire,
  rollBack,
  setPolicy,
  shelved,
  uuid,
} from "../domain/given.ts";
import { odd } from "./odd.ts";

/** What the fold keeps of a project. */

describe("a project", () => {
  test("begins with nothing", () =>
    expect(initialProject()).toEqual({
      revision: -1,
      hash: GENESIS_HASH,
      recordedAt: "",
      project: null,
      task: null,
      policy: {},
      models: { length: 0, pages: [] },
      ranking: { metric: null, goal: "maximize" },
      everyone: { count: 0, scored: 0, best: 0, latest: 0 },
      algorithms: {},
      active: { project: null, environments: {} },
      environments: {},
      commands: { newer: {}, newerCount: 0, older: {}, forgotten: false },
      past: { retirements: [], policies: [] },
      unknownEvent: null,
    }));
  test("has a chain that begins with 32 zero bytes", () => expect(GENESIS_HASH).toMatch(/^0{64}$/));
  test("is named by its first event, whether that is a training or a policy", () => {
    expect(given(shelved("svm")).world.state).toMatchObject({ project: "Digits", task: "classification", policy: {} });
    expect(given(setPolicy({ minImprovement: 1 })).world.state).toMatchObject({
      project: "Digits",
      task: null,
      policy: { minImprovement: 1 },
    });
  });
  test("keeps of a model what decisions need, and its artifact where it has one", () => {
    const artifact = { uri: "s3://bucket/model", digest: "sha256:1" };
    const { state } = given(shelved("svm", 0.5), shelved("knn", undefined, { artifact }), retire(2)).world;
    expect(state.models.pages.flat()).toStrictEqual([
      {
        id: uuid(2),
        algorithm: "svm",
        metrics: { f1: 0.5 },
        trainedAt: "2026-01-01T00:00:02.000Z",
        revision: 0,
        isRetired: false,
      },
      {
        id: uuid(4),
        algorithm: "knn",
        metrics: {},
        trainedAt: "2026-01-01T00:00:04.000Z",
        revision: 1,
        isRetired: true,
        artifact,
      },
    ]);
  });
  test("keeps who was retired when, and which policy held, for explanations", () => {
    const history: Asked[] = [
      shelved("svm"),
      setPolicy({ minImprovement: 1 }),
      retire(1),
      setPolicy({ environment: "staging" }),
      reinstate(1),
      retire(1),
    ];
    expect(given(...history).world.state.past).toEqual({
      retirements: [
        { revision: 2, version: 1, isRetired: true },
        { revision: 4, version: 1, isRetired: false },
        { revision: 5, version: 1, isRetired: true },
      ],
      policies: [
        { revision: 1, policy: { minImprovement: 1 } },
        { revision: 3, policy: { minImprovement: 1, environment: "staging" } },
      ],
    });
  });
  test("keeps each deployment by its number, with its own revision", () => {
    const { state } = given(shelved("svm"), shelved("knn"), deployed(1), deployed(2), rollBack()).world;
    expect(lookUp(state.environments, "production")?.deployed).toEqual({
      length: 3,
      pages: [
        [
          { id: uuid(7), version: 1, revision: 2 },
          { id: uuid(9), version: 2, revision: 3 },
          { id: uuid(11), version: 1, revision: 4 },
        ],
      ],
    });
  });
});

describe("a log with odd events", () => {
  test("is folded on: the first of an unknown type is noted, and how far the log goes", () => {
    const { state } = given(shelved("svm"), deploy({ strategy: "most_recent" })).world;
    const before = structuredClone(state);
    evolveProject(state, odd(7, { type: "ModelPolished", data: { project: "Other" } }));
    evolveProject(state, odd(8, { type: "ModelPainted", data: { project: "Other" } }));
    expect(state).toEqual({
      ...before,
      revision: 8,
      hash: "h8",
      recordedAt: "2026-01-01T00:00:08.000Z",
      unknownEvent: { type: "ModelPolished", revision: 7 },
    });
  });
  test("may retire a model that is not there, or one twice", () => {
    const { state } = given(shelved("svm", 0.5), shelved("knn", 0.9), deployed(1), retire(1)).world;
    const { past, everyone, environments } = structuredClone(state);
    for (const version of [0, 1, 9]) evolveProject(state, odd(20, { type: "ModelRetired", data: { version } }));
    for (const version of [0, 2, 9]) evolveProject(state, odd(21, { type: "ModelReinstated", data: { version } }));
    expect(state).toMatchObject({ past, everyone, environments });
  });
  test("may deploy a model that is not there", () => {
    const { state } = given(shelved("svm")).world;
    const data = { project: "Digits", environment: "production", number: 1, version: 9, deploymentId: "d" };
    evolveProject(state, odd(20, { type: "ModelDeployed", data }));
    expect(lookUp(state.environments, "production")).toMatchObject({ distinct: 1, returnable: 0, returnableOf: {} });
  });
});
