import { z } from "zod";
import type { ProjectState } from "../../projections/project.ts";
import { LedgerError } from "../errors.ts";
import type { RecordedEvent } from "../events/events.ts";
import { DEFAULT_ENVIRONMENT, EnvironmentName, ProjectName, streamOf, Uuid } from "../events/names.ts";
import { isWhole, recorded } from "../events/stored.ts";
import { type Deployment, deploymentOfEvent } from "../ledger/deployments.ts";
import { READ_OPTIONS } from "../ledger/positions.ts";
import type { EventStore } from "../store/event-store.ts";
import { contenders, isByNumber } from "./contenders.ts";
import type { Cause, Explanation } from "./explanation.ts";
import { deploymentParagraph } from "./paragraphs.ts";
import { deploymentNumbered, deploymentOfId, type PlacedDeployment, policyBefore, runBefore } from "./project-past.ts";
import { counted, inWords, listed } from "./words.ts";

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
  return explanationOf(state, event, before, await replacedBy(sources, project, place));
}

/** What was active before, and since when its model had been. */
interface Replaced {
  readonly deployment: Deployment;
  readonly modelSince: string;
}

async function replacedBy({ state, store }: Sources, project: string, place: PlacedDeployment) {
  const last = deploymentNumbered(state, place.environment, place.number - 1);
  if (last === undefined) return undefined;
  const deployment = deploymentOfEvent((await deploymentAt(store, project, last.revision)).event);
  const first = runBefore(state, last);
  const { event } = await deploymentAt(store, project, first.revision);
  return { deployment, modelSince: event.recordedAt };
}

/** The deployment's event, and the one before it in the stream. */
async function deploymentAt(store: EventStore, project: string, revision: number) {
  const from = BigInt(Math.max(0, revision - 1));
  const events: RecordedEvent[] = [];
  for await (const stored of store.readStream(streamOf(project), { from, maxCount: 2 })) events.push(recorded(stored));
  const event = events.find((one) => one.revision === BigInt(revision));
  if (event?.type === "ModelDeployed" && isWhole(event))
    return { event, before: events.find((one) => one.revision < event.revision) };
  throw new LedgerError("CORRUPT", `event ${revision} of "${project}" is not the deployment that it was: run verify`, {
    project,
    revision: String(revision),
  });
}

function explanationOf(
  state: ProjectState,
  event: DeployedEvent,
  before: RecordedEvent | undefined,
  replaced: Replaced | undefined,
): Explanation {
  const deployment = deploymentOfEvent(event);
  const replayed = deployment.replays === undefined ? undefined : deploymentOfId(state, deployment.replays);
  const msSince = (time: string) => Date.parse(deployment.recordedAt) - Date.parse(time);
  const facts = {
    deployment,
    because: reasonOf(deployment, before, { replayed, state }),
    comparedWith: replaced
      ? {
          version: replaced.deployment.version,
          modelId: replaced.deployment.modelId,
          algorithm: replaced.deployment.algorithm,
          score: deployment.decision.previousScore,
        }
      : null,
    candidates: { count: deployment.decision.candidates, others: contenders(deployment, state) },
    replaced: replaced
      ? {
          deploymentId: replaced.deployment.deploymentId,
          number: replaced.deployment.number,
          version: replaced.deployment.version,
          algorithm: replaced.deployment.algorithm,
          servedMs: msSince(replaced.deployment.recordedAt),
          modelServedMs: msSince(replaced.modelSince),
        }
      : null,
    replayed: replayed
      ? {
          deploymentId: replayed.deploymentId,
          number: replayed.number,
          version: replayed.version,
          isByNumber: isByNumber(deployment, state),
        }
      : null,
    forced: forcedPast(event, state),
    command: causeOf(deployment),
  };
  const parts = { ...facts, sentence: sentenceOf(facts) };
  return { ...parts, paragraph: deploymentParagraph(parts) };
}

/** A retired model says so in the event; a frozen project lets nothing but rollbacks pass without force. */
function forcedPast({ data, recordedAt, revision }: DeployedEvent, state: ProjectState): Explanation["forced"] {
  const { frozen } = policyBefore(state, Number(revision));
  const holds = frozen != null && (frozen.until === undefined || recordedAt < frozen.until);
  const freeze = holds && data.strategy !== "rollback" ? frozen.reason : null;
  const isRetired = data.forced === true;
  return isRetired || freeze !== null ? { isRetired, freeze } : null;
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

interface Past {
  readonly replayed: PlacedDeployment | undefined;
  readonly state: ProjectState;
}

function reasonOf(deployment: Deployment, before: RecordedEvent | undefined, { replayed, state }: Past): string {
  const { strategy, decision, algorithmFilter, promotedFrom } = deployment;
  const { candidates, metric, score } = decision;
  const ofAlgorithm = algorithmFilter === undefined ? "" : ` of algorithm ${algorithmFilter}`;
  const only = `it is the only qualified model${ofAlgorithm}`;
  const among = `${counted(candidates, "qualified model")}${ofAlgorithm}`;
  switch (strategy) {
    case "best_score":
      return candidates === 1 ? only : `it has the best ${metric} (${score}) of ${among}`;
    case "most_recent":
      return candidates === 1 ? only : `it was trained last of ${among}`;
    case "rollback": {
      const back = `a rollback went back to deployment ${replayed?.number ?? deployment.replays}`;
      if (isByNumber(deployment, state)) return `${back}, which it named`;
      return candidates === 1
        ? `${back}, the only model${ofAlgorithm} to go back to`
        : `${back}, one of ${counted(candidates, "model")}${ofAlgorithm} to go back to`;
    }
    case "specific":
      return promotedFrom === undefined ? "exactly this model was asked for" : `it was promoted from ${promotedFrom}`;
    case "new_score":
      return before?.type === "ModelTrained"
        ? `its training deployed it (“${before.data.automaticDeploy.because}”)`
        : "its training deployed it";
  }
}

function sentenceOf({
  deployment,
  because,
  replaced,
  forced,
}: Pick<Explanation, "deployment" | "because" | "replaced" | "forced">): string {
  const { project, environment, number, version, algorithm, actor, reason, recordedAt } = deployment;
  const served = inWords(replaced?.modelServedMs ?? 0);
  const instead =
    replaced === null
      ? "nothing had been active there before"
      : replaced.version === version
        ? `version ${version} had been active already, for ${served}`
        : `it replaced version ${replaced.version} (${replaced.algorithm}), which had served for ${served}`;
  const past = [forced?.isRetired && "the model was retired", forced?.freeze != null && "the project was frozen"];
  const force = forced === null ? "" : `; it was forced, for ${listed(past.filter((one) => typeof one === "string"))}`;
  const given = reason === undefined ? "no reason was given" : `the reason given was “${reason}”`;
  return `On ${recordedAt}, ${actor} made version ${version} (${algorithm}) of "${project}" active in ${environment}, as deployment ${number}, because ${because}${force}; ${instead}, and ${given}.`;
}
