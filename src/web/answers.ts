import type * as ledger from "../index.ts";

/**
 * What the service answers: the library's own types as they look in JSON, where a revision is a decimal string. Taken
 * from the library so that a changed answer does not compile here.
 */
type Json<T> = T extends bigint
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Json<T[Key]> }
      : T;

export type ActiveModel = Json<ledger.ActiveModel>;
export type Deployment = Json<ledger.Deployment>;
export type DeploymentResult = Json<ledger.DeploymentResult>;
export type Explanation = Json<ledger.Explanation>;
export type LeaderboardEntry = Json<ledger.LeaderboardEntry>;
export type Model = Json<ledger.ModelEntry>;
export type PolicyResult = Json<ledger.PolicyResult>;
export type Project = Json<ledger.ProjectSummary>;
export type RecordedEvent = Json<ledger.RecordedEvent>;
export type RetirementResult = Json<ledger.RetirementResult>;
export type Stretch = Json<ledger.TimelineEntry>;
export type Strategy = ledger.Strategy;

/** A page of a list; `next` is the cursor of the one after it. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string;
}
