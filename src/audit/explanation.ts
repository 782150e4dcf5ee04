import type { ModelTrainedData } from "../events/events.ts";
import type { Goal } from "../events/tasks.ts";
import type { Deployment } from "../ledger/deployments.ts";

/** A model that could have been deployed, and why it was not. */
export interface Contender {
  readonly version: number;
  readonly modelId: string;
  readonly algorithm: string;
  readonly score: number | null;
  readonly lostBecause: string;
}

/** What asked for it: the command, and what that came from. */
export interface Cause {
  readonly commandId: string;
  readonly correlationId: string;
  /** The id of the command, of the event that it followed from, or whatever the caller named. */
  readonly causationId: string;
  readonly asked: "a training" | "a deployment" | "a rollback" | "a promotion";
}

/** A model that was compared with, and its score. */
export interface Compared {
  readonly version: number;
  readonly modelId: string;
  readonly algorithm: string;
  readonly score: number | null;
}

export interface Explanation {
  readonly deployment: Deployment;
  /** The rule in words: what was asked for, and how this model came out of it. */
  readonly because: string;
  /** The model that was active before it in the environment. */
  readonly comparedWith: Compared | null;
  /** How many models qualified, and the best of those that were not deployed (five at most). */
  readonly candidates: { readonly count: number; readonly others: readonly Contender[] };
  /**
   * The deployment before it in the environment, and for how long that had served, in milliseconds; and for how long its
   * model had without a break, where several deployments of it followed each other.
   */
  readonly replaced:
    | (Pick<Deployment, "deploymentId" | "number" | "version" | "algorithm"> & {
        readonly servedMs: number;
        readonly modelServedMs: number;
      })
    | null;
  /** The deployment that a rollback repeats, and whether it was asked for by its number. */
  readonly replayed:
    | (Pick<Deployment, "deploymentId" | "number" | "version"> & { readonly isByNumber: boolean })
    | null;
  /** What it took force to pass: the model was retired, the project frozen (the reason of it). Null: nothing. */
  readonly forced: { readonly isRetired: boolean; readonly freeze: string | null } | null;
  readonly command: Cause;
  /** All of it in one sentence, and in a paragraph for people who do not know the ledger. */
  readonly sentence: string;
  readonly paragraph: string;
}

/** Why a training deployed its model, or why not. */
export interface TrainingExplanation {
  readonly project: string;
  readonly model: { readonly modelId: string; readonly version: number; readonly algorithm: string };
  readonly outcome: ModelTrainedData["automaticDeploy"]["outcome"];
  readonly because: string;
  /** The metric that decided then, which way it gets better, and the model's score, null where it has none. */
  readonly metric: string | null;
  readonly goal: Goal;
  readonly score: number | null;
  /** What was active then where the training would have deployed it. */
  readonly comparedWith: (Compared & { readonly environment: string; readonly number: number }) | null;
  /** Every deployment of the model until now. */
  readonly deployments: readonly {
    readonly environment: string;
    readonly number: number;
    readonly deploymentId: string;
  }[];
  readonly actor: string;
  readonly reason?: string;
  readonly trainedAt: string;
  readonly recordedAt: string;
  readonly command: Cause;
  /** In one sentence, and in a paragraph for people who do not know the ledger. */
  readonly sentence: string;
  readonly paragraph: string;
}
