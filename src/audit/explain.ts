import { z } from "zod";
import { leaderboard } from "../../projections/leaderboard.ts";
import { evolveProject, initialProject, type ProjectState } from "../../projections/project.ts";
import { LedgerError } from "../errors.ts";
import type { RecordedEvent } from "../events/events.ts";
import { DEFAULT_ENVIRONMENT, EnvironmentName, ProjectName, streamOf, Uuid } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import { type Deployment, deploymentOfEvent } from "../ledger/deployments.ts";
import { READ_OPTIONS } from "../ledger/positions.ts";
import { foldedEvent } from "../ledger/project-cache.ts";
import type { EventStore } from "../store/event-store.ts";

export const ExplainInput = z
  .strictObject({
    project: ProjectName,
    /** With `environment`; that is production unless given. */
    number: z.int().positive().optional(),
    environment: EnvironmentName.default(DEFAULT_ENVIRONMENT),
    deploymentId: Uuid.toLowerCase().optional(),
    ...READ_OPTIONS,
  })
  .refine(({ number, deploymentId }) => (number === undefined) !== (deploymentId === undefined), {
    path: ["number"],
    message: "give the deployment's number or its deploymentId",
  });

/** A model that could have been deployed, and why it was not. */
export interface Contender {
  readonly version: number;
  readonly modelId: string;
  readonly algorithm: string;
  readonly score: number | null;
  readonly lostBecause: string;
}

export interface Explanation {
  readonly deployment: Deployment;
  /** The rule in words: what was asked for, and how this model came out of it. */
  readonly because: string;
  /** How many models qualified, and the best of those that were not deployed (five at most). */
  readonly candidates: { readonly count: number; readonly others: readonly Contender[] };
  /** The deployment before it in the environment, and for how long that had served, in milliseconds. */
  readonly replaced:
    | (Pick<Deployment, "deploymentId" | "number" | "version" | "algorithm"> & { readonly servedMs: number })
    | null;
  /** The deployment that a rollback repeats. */
  readonly replayed: Pick<Deployment, "deploymentId" | "number" | "version"> | null;
  readonly sentence: string;
}

const MAX_OTHERS = 5;

/** Why a deployment happened: read from its event and from the project as it was just before. */
export async function explain(store: EventStore, input: z.output<typeof ExplainInput>): Promise<Explanation> {
  const state = initialProject();
  const past = new Map<string, Deployment>();
  let before: RecordedEvent | undefined;
  for await (const stored of store.readStream(streamOf(input.project))) {
    const event = recorded(stored);
    if (event.type === "ModelDeployed") {
      const deployment = deploymentOfEvent(event);
      if (isAskedFor(deployment, input)) return explanationOf(deployment, state, past, before);
      past.set(deployment.deploymentId, deployment);
    }
    evolveProject(state, foldedEvent(event));
    before = event;
  }
  const { project, environment, number, deploymentId } = input;
  if (before === undefined) throw new LedgerError("PROJECT_NOT_FOUND", `there is no project "${project}"`, { project });
  const name = deploymentId ?? `number ${number} in ${environment}`;
  throw new LedgerError("DEPLOYMENT_NOT_FOUND", `there is no deployment ${name} of "${project}"`, {
    project,
    ...(deploymentId === undefined ? { environment, number } : { deploymentId }),
  });
}

function isAskedFor(deployment: Deployment, { number, environment, deploymentId }: z.output<typeof ExplainInput>) {
  if (deploymentId !== undefined) return deployment.deploymentId === deploymentId;
  return deployment.number === number && deployment.environment === environment;
}

function explanationOf(
  deployment: Deployment,
  state: ProjectState,
  past: ReadonlyMap<string, Deployment>,
  before: RecordedEvent | undefined,
): Explanation {
  const replaced = deployment.replaces && past.get(deployment.replaces.deploymentId);
  const replayed = deployment.replays === undefined ? undefined : past.get(deployment.replays);
  const because = reasonOf(deployment, before, replayed);
  const servedMs = replaced ? Date.parse(deployment.recordedAt) - Date.parse(replaced.recordedAt) : 0;
  return {
    deployment,
    because,
    candidates: { count: deployment.decision.candidates, others: othersThan(deployment, state) },
    replaced: replaced
      ? {
          deploymentId: replaced.deploymentId,
          number: replaced.number,
          version: replaced.version,
          algorithm: replaced.algorithm,
          servedMs,
        }
      : null,
    replayed: replayed
      ? { deploymentId: replayed.deploymentId, number: replayed.number, version: replayed.version }
      : null,
    sentence: sentenceOf(deployment, because, replaced, servedMs),
  };
}

function reasonOf(deployment: Deployment, before: RecordedEvent | undefined, replayed: Deployment | undefined): string {
  const { strategy, decision, algorithmFilter, promotedFrom } = deployment;
  const among = `${decision.candidates} qualified model${decision.candidates === 1 ? "" : "s"}${algorithmFilter === undefined ? "" : ` of algorithm ${algorithmFilter}`}`;
  switch (strategy) {
    case "best_score":
      return `it has the best ${decision.metric} (${decision.score}) of ${among}`;
    case "most_recent":
      return `it was trained last of ${among}`;
    case "rollback":
      return `a rollback went back to deployment ${replayed?.number ?? deployment.replays}, of ${among} to go back to`;
    case "specific":
      return promotedFrom === undefined ? "exactly this model was asked for" : `it was promoted from ${promotedFrom}`;
    case "new_score":
      return before?.type === "ModelTrained"
        ? `its training deployed it: ${before.data.automaticDeploy.because}`
        : "its training deployed it";
  }
}

function othersThan({ strategy, version, decision, algorithmFilter }: Deployment, state: ProjectState): Contender[] {
  // A training is weighed against the active model alone.
  if (strategy === "specific" || strategy === "rollback" || strategy === "new_score") return [];
  return leaderboard(state, decision, algorithmFilter)
    .filter((place) => place.version !== version)
    .slice(0, MAX_OTHERS)
    .flatMap((place) => {
      const model = state.models[place.version - 1];
      if (model === undefined) return [];
      const lostBecause =
        strategy === "most_recent"
          ? "it was trained earlier"
          : place.score === decision.score
            ? "its score is the same, and it was trained later"
            : `its ${decision.metric} of ${place.score} is not better than ${decision.score}`;
      return [
        { version: place.version, modelId: model.id, algorithm: model.algorithm, score: place.score, lostBecause },
      ];
    });
}

function sentenceOf(
  deployment: Deployment,
  because: string,
  replaced: Deployment | undefined,
  servedMs: number,
): string {
  const { project, environment, number, version, algorithm, actor, reason, recordedAt } = deployment;
  const instead =
    replaced === undefined
      ? "nothing had been active there before"
      : replaced.version === version
        ? `version ${version} had been active already, for ${inWords(servedMs)}`
        : `it replaced version ${replaced.version} (${replaced.algorithm}), which had served for ${inWords(servedMs)}`;
  const given = reason === undefined ? "no reason was given" : `the reason given was “${reason}”`;
  return `On ${recordedAt}, ${actor} made version ${version} (${algorithm}) of "${project}" active in ${environment}, as deployment ${number}, because ${because}; ${instead}, and ${given}.`;
}

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

/** A duration in the largest unit that fits, "3 hours", for people. */
export function inWords(milliseconds: number): string {
  for (const [unit, length] of UNITS) {
    const count = Math.floor(milliseconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? "" : "s"}`;
  }
  return "less than a second";
}
