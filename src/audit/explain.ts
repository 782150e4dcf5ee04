import { z } from "zod";
import type { ProjectState } from "../../projections/project.ts";
import { LedgerError } from "../errors.ts";
import type { RecordedEvent } from "../events/events.ts";
import { DEFAULT_ENVIRONMENT, EnvironmentName, ProjectName, streamOf, Uuid } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import { type Deployment, deploymentOfEvent } from "../ledger/deployments.ts";
import { READ_OPTIONS } from "../ledger/positions.ts";
import type { EventStore } from "../store/event-store.ts";
import type { Cause, Contender, Explanation } from "./explanation.ts";
import { deploymentParagraph } from "./paragraphs.ts";
import {
  deploymentNumbered,
  deploymentOfId,
  leaderboardBefore,
  type PlacedDeployment,
  returnableBefore,
} from "./project-past.ts";
import { counted, inWords } from "./words.ts";

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
    message: "give the deployment's number or its deploymentId, or the version or modelId of a training",
  });

const MAX_OTHERS = 5;

/** Where an explanation comes from: the project as it is folded now, and its events. */
export interface Sources {
  readonly store: EventStore;
  readonly state: ProjectState;
}

type DeployedEvent = Extract<RecordedEvent, { readonly type: "ModelDeployed" }>;

/** Why a deployment happened: read from its event, and from the fold, which knows how the project was before it. */
export async function explain(sources: Sources, input: z.output<typeof ExplainInput>): Promise<Explanation> {
  const { state, store } = sources;
  const { project, environment, number, deploymentId } = input;
  if (state.project === null) {
    throw new LedgerError("PROJECT_NOT_FOUND", `there is no project "${project}"`, { project });
  }
  const place =
    deploymentId === undefined
      ? deploymentNumbered(state, environment, number ?? 0)
      : deploymentOfId(state, deploymentId);
  if (place === undefined) {
    const name = deploymentId ?? `number ${number} in ${environment}`;
    throw new LedgerError("DEPLOYMENT_NOT_FOUND", `there is no deployment ${name} of "${project}"`, {
      project,
      ...(deploymentId === undefined ? { environment, number } : { deploymentId }),
    });
  }
  const { event, before } = await deploymentAt(store, project, place.revision);
  const last = deploymentNumbered(state, place.environment, place.number - 1);
  const replaced = last && (await deploymentAt(store, project, last.revision)).event;
  return explanationOf(state, event, before, replaced && deploymentOfEvent(replaced));
}

/** The deployment's event, and the one before it in the stream. */
async function deploymentAt(store: EventStore, project: string, revision: number) {
  const from = BigInt(Math.max(0, revision - 1));
  const events: RecordedEvent[] = [];
  for await (const stored of store.readStream(streamOf(project), { from, maxCount: 2 })) events.push(recorded(stored));
  const event = events.find((one) => one.revision === BigInt(revision));
  if (event?.type === "ModelDeployed") return { event, before: events.find((one) => one.revision < event.revision) };
  throw new LedgerError("CORRUPT", `event ${revision} of "${project}" is not the deployment that it was: run verify`, {
    project,
    revision: String(revision),
  });
}

function explanationOf(
  state: ProjectState,
  event: DeployedEvent,
  before: RecordedEvent | undefined,
  replaced: Deployment | undefined,
): Explanation {
  const deployment = deploymentOfEvent(event);
  const replayed = deployment.replays === undefined ? undefined : deploymentOfId(state, deployment.replays);
  const because = reasonOf(deployment, before, replayed);
  const servedMs = replaced ? Date.parse(deployment.recordedAt) - Date.parse(replaced.recordedAt) : 0;
  const parts = {
    deployment,
    because,
    comparedWith: replaced
      ? {
          version: replaced.version,
          modelId: replaced.modelId,
          algorithm: replaced.algorithm,
          score: deployment.decision.previousScore,
        }
      : null,
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
    command: causeOf(deployment),
    sentence: sentenceOf(deployment, because, replaced, servedMs),
  };
  return { ...parts, paragraph: deploymentParagraph(parts) };
}

function causeOf({ commandId, correlationId, causationId, strategy, promotedFrom }: Deployment): Cause {
  const asked =
    strategy === "new_score"
      ? "a training"
      : strategy === "rollback"
        ? "a rollback"
        : promotedFrom === undefined
          ? "a deployment"
          : "a promotion";
  return { commandId, correlationId, causationId, asked };
}

function reasonOf(
  deployment: Deployment,
  before: RecordedEvent | undefined,
  replayed: PlacedDeployment | undefined,
): string {
  const { strategy, decision, algorithmFilter, promotedFrom } = deployment;
  const ofAlgorithm = algorithmFilter === undefined ? "" : ` of algorithm ${algorithmFilter}`;
  const among = `${counted(decision.candidates, "qualified model")}${ofAlgorithm}`;
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

function othersThan(deployment: Deployment, state: ProjectState): Contender[] {
  const { strategy, algorithmFilter } = deployment;
  switch (strategy) {
    case "best_score":
    case "most_recent":
      return otherScores(deployment, state);
    case "rollback":
      return otherReturns(deployment, state, algorithmFilter);
    // A training is weighed against the active model alone, and a model that was named against none.
    case "specific":
    case "new_score":
      return [];
  }
}

function otherScores({ strategy, version, decision, algorithmFilter, revision }: Deployment, state: ProjectState) {
  return leaderboardBefore(state, Number(revision), decision, algorithmFilter)
    .filter((place) => place.version !== version)
    .slice(0, MAX_OTHERS)
    .flatMap((place) => {
      const lostBecause =
        strategy === "most_recent"
          ? "it was trained earlier"
          : place.score === decision.score
            ? "its score is the same, and it was trained later"
            : `its ${decision.metric} of ${place.score} is not better than ${decision.score}`;
      return contender(state, place.version, place.score, lostBecause);
    });
}

function otherReturns(deployment: Deployment, state: ProjectState, algorithm: string | undefined): Contender[] {
  const { environment, version, decision } = deployment;
  const places = returnableBefore(state, { environment, revision: Number(deployment.revision) }, algorithm);
  const chosen = places.findIndex((place) => place.version === version);
  return places
    .filter((place) => place.version !== version)
    .slice(0, MAX_OTHERS)
    .flatMap((place) => {
      const lostBecause =
        places.indexOf(place) < chosen
          ? `its latest deployment, ${place.number}, is more recent than what was gone back to`
          : `its latest deployment, ${place.number}, is further back`;
      const { metric } = decision;
      const score = metric === null ? undefined : state.models[place.version - 1]?.metrics[metric];
      return contender(state, place.version, score ?? null, lostBecause);
    });
}

function contender(state: ProjectState, version: number, score: number | null, lostBecause: string): Contender[] {
  const model = state.models[version - 1];
  return model === undefined ? [] : [{ version, modelId: model.id, algorithm: model.algorithm, score, lostBecause }];
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
