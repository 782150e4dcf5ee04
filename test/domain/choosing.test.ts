import { describe, expect, test } from "vitest";
import { TASKS } from "../../src/events/tasks.ts";
import { A, B, C, deploy, given, reinstate, retire, setPolicy, shelved, train } from "./given.ts";

/** Which model a strategy chooses, by which metric, among whom. */

describe("best_score", () => {
  test("deploys the best of all", () => given(A, B, C).when(deploy()).thenDeployed(2, { strategy: "best_score" }));
  test("is what is meant when no strategy is named", () => given(A).when(deploy()).thenDeployed(1));
  test("compares numbers, not text", () =>
    given(shelved("a", 9), shelved("b", 10), shelved("c", 1e-7)).when(deploy()).thenDeployed(2));
  test("among equals takes the one trained first", () =>
    given(shelved("a", 0.5), shelved("b", 0.9), shelved("c", 0.9)).when(deploy()).thenDeployed(2));
  test("looks only at the algorithm asked for", () =>
    given(A, B, C)
      .when(deploy({ algorithm: "knn" }))
      .thenDeployed(3, { algorithmFilter: "knn" }));
  test("prefers any score to none", () => given(shelved("a"), shelved("b", -5)).when(deploy()).thenDeployed(2));
  test("with no score at all cannot tell", () =>
    given(shelved("a"), shelved("b"))
      .when(deploy())
      .thenRefused("NO_SCORED_MODEL", /f1.*2 models, algorithms: a, b/));
  test("with no model of that algorithm says what there is", () =>
    given(A, B)
      .when(deploy({ algorithm: "tree" }))
      .thenRefused("NO_QUALIFIED_MODEL", /"tree".*2 models.*linear, svm/));
  test("passes over the retired", () => given(A, B, retire(2)).when(deploy()).thenDeployed(1));
  test("with all retired finds nobody", () =>
    given(A, retire(1))
      .when(deploy())
      .thenRefused("NO_QUALIFIED_MODEL", /1 of them retired/));
  test("sees the reinstated again", () => given(A, B, retire(2), reinstate(2)).when(deploy()).thenDeployed(2));
  test("a reinstated equal that was trained first wins again", () =>
    given(shelved("a", 0.9), shelved("b", 0.9), retire(1), reinstate(1)).when(deploy()).thenDeployed(1));
  test("lower is better where the task says so", () =>
    given(
      shelved("a", 0, { task: "text-generation", metrics: { perplexity: 30 } }),
      shelved("b", 0, { task: "text_generation", metrics: { perplexity: 7 } }),
    )
      .when(deploy())
      .thenDeployed(2, {
        decision: { metric: "perplexity", goal: "minimize", score: 7, previousScore: null, candidates: 2 },
      }));
  test("goes by the policy's metric", () =>
    given(
      shelved("a", 0.9, { metrics: { f1: 0.9, latency: 12 } }),
      shelved("b", 0.8, { metrics: { f1: 0.8, latency: 3 } }),
      setPolicy({ metric: "latency", goal: "minimize" }),
    )
      .when(deploy())
      .thenDeployed(2));
  test("an embedding project cannot compare before a policy names a metric", () =>
    given(shelved("a", 0, { task: "embedding", metrics: { ndcg: 1 } }))
      .when(deploy())
      .thenRefused("NO_SCORED_MODEL", /embedding has no key metric/));
  test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])(
    "takes the algorithm name %s as a name",
    (name) =>
      given(A, shelved(name, 0.1))
        .when(deploy({ algorithm: name }))
        .thenDeployed(2),
  );
  test("does not find an algorithm that is a word of the language", () =>
    given(A)
      .when(deploy({ algorithm: "constructor" }))
      .thenRefused("NO_QUALIFIED_MODEL"));
});

describe("most_recent", () => {
  const newest = deploy({ strategy: "most_recent" });
  test("deploys the one trained last, whatever its score", () => given(B, A, C).when(newest).thenDeployed(3));
  test("passes over the retired", () => given(A, B, retire(2)).when(newest).thenDeployed(1));
  test("of the algorithm asked for", () =>
    given(A, B, C)
      .when(deploy({ strategy: "most_recent", algorithm: "linear" }))
      .thenDeployed(1));
  test("with nobody left says so", () => given(A, retire(1)).when(newest).thenRefused("NO_QUALIFIED_MODEL"));
});

describe("key metrics", () => {
  test.each(Object.entries(TASKS).filter(([task]) => task !== "embedding"))(
    "%s goes by its own metric, in its own direction",
    (task, { metric, goal }) => {
      const [low, high] = [1, 2].map((score) =>
        shelved("a", 0, { task, metrics: { [metric ?? ""]: score, other: 9 } }),
      );
      if (!low || !high) throw new Error("two trainings");
      given(low, high)
        .when(deploy())
        .thenDeployed(goal === "maximize" ? 2 : 1, { decision: { metric, goal, candidates: 2 } });
      given(high, low)
        .when(deploy())
        .thenDeployed(goal === "maximize" ? 1 : 2);
    },
  );
  test("the table is the contract's", () =>
    expect(Object.entries(TASKS).map(([task, { metric, goal }]) => `${task} ${metric} ${goal}`)).toEqual([
      "regression r2 maximize",
      "classification f1 maximize",
      "text_classification f1 maximize",
      "text_pair_classification f1 maximize",
      "question_answering f1 maximize",
      "clustering silhouette maximize",
      "decomposition cumulative_explained_variance maximize",
      "summarization rouge_ngram_f1 maximize",
      "translation bleu maximize",
      "conversation bleu maximize",
      "text_generation perplexity minimize",
      "text2text perplexity minimize",
      "embedding null maximize",
    ]));
  test("among equals the one trained first wins, also where lower is better", () => {
    const at = (perplexity: number) => shelved("a", 0, { task: "text2text", metrics: { perplexity } });
    given(at(9), at(3), at(3)).when(deploy()).thenDeployed(2);
  });
  test("a lower perplexity is an improvement, a higher one and a tie are not", () => {
    const at = (perplexity: number) => train("a", 0, { task: "text-generation", metrics: { perplexity } });
    given(at(20))
      .when(at(19.9))
      .thenRecorded("deployed", /better: perplexity 19.9 against 20/);
    given(at(20)).when(at(20)).thenRecorded("kept");
    given(at(20)).when(at(20.1)).thenRecorded("kept");
    const lenient = given(at(20), setPolicy({ automaticDeploy: "not_worse" }));
    lenient.when(at(20)).thenRecorded("deployed");
    lenient.when(at(20.1)).thenRecorded("kept", /worse/);
    const strict = given(at(0.8), setPolicy({ minImprovement: 0.1 }));
    strict.when(at(0.7)).thenRecorded("kept", /better, but not by more than 0.1/);
    strict.when(at(0.6999)).thenRecorded("deployed");
  });
  test("an embedding project deploys what it cannot compare, until a policy names a metric", () => {
    const ndcg = (score: number) => train("a", 0, { task: "embedding", metrics: { ndcg: score } });
    given(ndcg(1))
      .when(ndcg(0.5))
      .thenRecorded("deployed", /neither this model nor version 1.*key metric/);
    const named = given(ndcg(1), setPolicy({ metric: "ndcg", goal: "maximize" }));
    named.when(ndcg(0.5)).thenRecorded("kept");
    named.when(ndcg(1.5)).thenRecorded("deployed");
    named.when(deploy()).thenDeployed(1);
    given(ndcg(1))
      .when(setPolicy({ metric: "ndcg" }))
      .thenRefused("INVALID_INPUT", /policy.goal: say whether to maximize or minimize "ndcg"/);
  });
  test("a metric whose name is a word of the language is looked up, not inherited", () => {
    given(A, B, setPolicy({ metric: "constructor", goal: "maximize" }))
      .when(deploy())
      .thenRefused("NO_SCORED_MODEL", /no model has the key metric constructor/);
    given(A, shelved("svm", 0, { metrics: { constructor: 1 } }), setPolicy({ metric: "constructor", goal: "minimize" }))
      .when(deploy())
      .thenDeployed(2, { decision: { score: 1 } });
  });
});

describe("the algorithm filter", () => {
  test("of an algorithm without scores cannot tell, though others have them", () =>
    given(A, shelved("svm"), shelved("svm"))
      .when(deploy({ algorithm: "svm" }))
      .thenRefused(
        "NO_SCORED_MODEL",
        /no model of algorithm "svm" has the key metric f1 \(3 models, algorithms: linear, svm\)/,
      ));
  test("of an algorithm whose models are all retired finds nobody", () =>
    given(A, B, retire(2))
      .when(deploy({ algorithm: "svm" }))
      .thenRefused("NO_QUALIFIED_MODEL", /of algorithm "svm" qualifies in "Digits" \(2 models, 1 of them retired/));
  test("names most_recent's missing algorithm too", () =>
    given(A)
      .when(deploy({ strategy: "most_recent", algorithm: "svm" }))
      .thenRefused("NO_QUALIFIED_MODEL", /of algorithm "svm".*algorithms: linear/));
  test("breaks ties and follows retirement within the algorithm", () => {
    const equals = [shelved("svm", 0.5), shelved("knn", 0.9), shelved("svm", 0.5), shelved("svm", 0.4)] as const;
    given(...equals)
      .when(deploy({ algorithm: "svm" }))
      .thenDeployed(1, { decision: { candidates: 3 } });
    given(...equals, retire(1))
      .when(deploy({ algorithm: "svm" }))
      .thenDeployed(3, { decision: { candidates: 2 } });
    given(...equals, retire(1), retire(3))
      .when(deploy({ algorithm: "svm" }))
      .thenDeployed(4);
    given(...equals, retire(1), retire(3), reinstate(1))
      .when(deploy({ algorithm: "svm" }))
      .thenDeployed(1);
  });
  test("of a named model must be its algorithm", () => {
    given(A, B)
      .when(deploy({ model: 2, algorithm: "svm" }))
      .thenDeployed(2, { algorithmFilter: "svm" });
    given(A, B)
      .when(deploy({ model: 2, algorithm: "linear" }))
      .thenRefused("MODEL_NOT_FOUND", /version 2 of "Digits" is of algorithm "svm", not "linear"/);
  });
  test("is case-sensitive, and takes any non-empty name", () => {
    given(A, shelved("Linear", 0.1))
      .when(deploy({ algorithm: "Linear" }))
      .thenDeployed(2);
    given(shelved(" ", 0.1))
      .when(deploy({ algorithm: " " }))
      .thenDeployed(1);
    given(shelved("=svm", 0.1), B)
      .when(deploy({ algorithm: "=svm" }))
      .thenDeployed(1);
  });
});
