import type { Explanation } from "../audit/explanation.ts";
import type { TimelineEntry } from "../audit/timeline.ts";
import type { Verification } from "../audit/verify.ts";
import type { ActiveModel } from "../ledger/active-model.ts";
import type { Deployment } from "../ledger/deployments.ts";
import type { ProjectSummary } from "../ledger/queries.ts";

/** Revisions are decimal strings in JSON and bigints here. Only where they stand: names in users' own data are theirs. */
type Plain<Row> = Omit<Row, "revision"> & { readonly revision: string };

export type Sent<Row> = Row extends { readonly revision: bigint } ? Plain<Row> : Row;

export function withRevision<Row extends { readonly revision: bigint }>(sent: Plain<Row>): Row {
  return { ...sent, revision: BigInt(sent.revision) } as Row;
}

export type SentSummary = Omit<Sent<ProjectSummary>, "active"> & { readonly active: readonly Sent<ActiveModel>[] };
export type SentExplanation = Omit<Explanation, "deployment"> & { readonly deployment: Sent<Deployment> };
type SentStretch = Omit<TimelineEntry, "deployment"> & { readonly deployment: Sent<TimelineEntry["deployment"]> };
export type SentVerification = Omit<Verification, "firstBroken"> & {
  readonly firstBroken?: Sent<NonNullable<Verification["firstBroken"]>>;
};

export function summaryOf(sent: SentSummary): ProjectSummary {
  // The same names in the same order as they came.
  const active = sent.active.map((one) => withRevision<ActiveModel>(one));
  return { ...sent, active, revision: BigInt(sent.revision) };
}

export const stretchOf = (sent: SentStretch): TimelineEntry => ({
  ...sent,
  deployment: withRevision<TimelineEntry["deployment"]>(sent.deployment),
});
