/** Which way the key metric gets better. */
export type Goal = "maximize" | "minimize";

/**
 * The tasks of PostgresML and the metric that decides "better" for each. A plain table without imports: the folds in
 * `projections/` use it on the EventStoreDB server too. `embedding` has no metric until a policy names one.
 */
export const TASKS = {
  regression: { metric: "r2", goal: "maximize" },
  classification: { metric: "f1", goal: "maximize" },
  text_classification: { metric: "f1", goal: "maximize" },
  text_pair_classification: { metric: "f1", goal: "maximize" },
  question_answering: { metric: "f1", goal: "maximize" },
  clustering: { metric: "silhouette", goal: "maximize" },
  decomposition: { metric: "cumulative_explained_variance", goal: "maximize" },
  summarization: { metric: "rouge_ngram_f1", goal: "maximize" },
  translation: { metric: "bleu", goal: "maximize" },
  conversation: { metric: "bleu", goal: "maximize" },
  text_generation: { metric: "perplexity", goal: "minimize" },
  text2text: { metric: "perplexity", goal: "minimize" },
  embedding: { metric: null, goal: "maximize" },
} as const satisfies Record<string, { readonly metric: string | null; readonly goal: Goal }>;

export type Task = keyof typeof TASKS;
