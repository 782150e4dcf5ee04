import type { ActiveModel, Deployment, DeploymentResult, Ledger } from "../index.ts";
import type { Output } from "./output.ts";

/** Sentences and tables that several commands share. */

/** The three columns of PostgresML's `pgml.deploy`, and under them one line: from what to what, and why. */
export function printDeployment(out: Output, deployment: DeploymentResult, { before, back }: Others): void {
  out.table(
    [deployment],
    [
      { title: "project", value: ({ project }) => project },
      { title: "strategy", value: ({ strategy }) => strategy },
      { title: "algorithm", value: ({ algorithm }) => algorithm },
    ],
  );
  const { environment, version, number, dryRun } = deployment;
  const from = before ?? (deployment.replaces === undefined ? "nothing" : "the model before");
  const arrow = `${from} → version ${version} in ${environment}`;
  const story = dryRun
    ? `dry run, nothing was written: it would be ${arrow}, deployment ${number}`
    : `${arrow}, deployment ${number}`;
  out.say(`${story}: ${whyOf(deployment, back)}`);
}

/** Why this model, in a clause. `back`: the number of the deployment that a rollback repeats, where it is known. */
export function whyOf(
  { strategy, decision, replays, promotedFrom }: DeploymentResult | Deployment,
  back?: number,
): string {
  const { metric, score, previousScore, candidates } = decision;
  const scores =
    metric === null || (score === null && previousScore === null)
      ? ""
      : ` (${metric} ${score ?? "none"}${previousScore === null ? "" : `, before ${previousScore}`})`;
  const among = `${candidates} candidate${candidates === 1 ? "" : "s"}`;
  switch (strategy) {
    case "best_score":
      return `the best score of ${among}${scores}`;
    case "most_recent":
      return `the most recent of ${among}${scores}`;
    case "rollback":
      return `back to ${back === undefined ? "an earlier deployment" : `deployment ${back}`}${replays === undefined || back !== undefined ? "" : ` (${replays})`}${scores}`;
    case "specific":
      return promotedFrom === undefined ? `asked for by name${scores}` : `promoted from ${promotedFrom}${scores}`;
    case "new_score":
      return `its training deployed it${scores}`;
  }
}

/** "version 3 (svm)" of what is active, for the line of the next deployment. */
export function nameOf(active: Pick<ActiveModel, "version" | "algorithm"> | undefined): string | undefined {
  return active && `version ${active.version} (${active.algorithm})`;
}

/** What the line of a deployment tells of others: its event names them by id. */
export interface Others {
  /** "version 3 (svm)": what it takes the place of. */
  readonly before?: string | undefined;
  /** The number of the deployment that a rollback repeats. */
  readonly back?: number | undefined;
}

export async function othersOf(ledger: Ledger, { project, replaces, replays }: DeploymentResult): Promise<Others> {
  const found = async (deploymentId: string | undefined) =>
    deploymentId === undefined ? undefined : (await ledger.explain({ project, deploymentId })).deployment;
  const [replaced, replayed] = await Promise.all([found(replaces?.deploymentId), found(replays)]);
  return { before: nameOf(replaced), back: replayed?.number };
}
