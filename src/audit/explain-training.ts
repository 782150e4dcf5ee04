import { z } from "zod";
import { lookUp, names } from "../../projections/dictionary.ts";
import { eachItem, emptyList, itemAt } from "../../projections/paged-list.ts";
import type { PastDeployment, ProjectState } from "../../projections/project.ts";
import { scoreOf } from "../../projections/scores.ts";
import { versionOf } from "../domain/candidates.ts";
import { policyInForce } from "../domain/policy.ts";
import { LedgerError } from "../errors.ts";
import type { PolicyData } from "../events/events.ts";
import { ProjectName, streamOf, Uuid } from "../events/names.ts";
import { isWhole, recorded } from "../events/stored.ts";
import { READ_OPTIONS } from "../ledger/positions.ts";
import type { Sources } from "./explain.ts";
import type { TrainingExplanation } from "./explanation.ts";
import { trainingParagraph } from "./paragraphs.ts";
import { activeBefore, policyBefore } from "./project-past.ts";

export const ExplainTrainingInput = z
  .strictObject({
    project: ProjectName,
    version: z.int().positive().optional(),
    modelId: Uuid.toLowerCase().optional(),
    ...READ_OPTIONS,
  })
  .refine(({ version, modelId }) => (version === undefined) !== (modelId === undefined), {
    path: ["version"],
    message: "give the model's version or its modelId",
  });

/** Why a training deployed its model or did not: from its event, and from the fold, which knows what was active then. */
export async function explainTraining(
  { store, state, defaults }: Sources & { readonly defaults: PolicyData },
  input: z.output<typeof ExplainTrainingInput>,
): Promise<TrainingExplanation> {
  const { project } = input;
  if (state.project === null) {
    throw new LedgerError("PROJECT_NOT_FOUND", `there is no project "${project}"`, { project });
  }
  const version = input.version ?? versionOf(state, input.modelId ?? "");
  const model = version === undefined ? undefined : itemAt(state.models, version - 1);
  if (version === undefined || model === undefined) {
    const asked = input.modelId ?? input.version;
    const has = state.models.length === 0 ? "it has no models yet" : `its versions are 1 to ${state.models.length}`;
    throw new LedgerError("MODEL_NOT_FOUND", `there is no model ${asked} in "${project}": ${has}`, {
      project,
      model: asked,
    });
  }
  const event = await trainingAt(store, project, model.revision);
  const { data, metadata } = event;
  const policy = policyInForce(policyBefore(state, model.revision), defaults, data.task);
  const active = activeBefore(state, policy.environment, model.revision);
  const other = active && itemAt(state.models, active.version - 1);
  const parts = {
    project,
    model: { modelId: model.id, version, algorithm: model.algorithm },
    ...data.automaticDeploy,
    metric: policy.metric,
    goal: policy.goal,
    score: scoreOf(data.metrics, policy.metric),
    comparedWith:
      active && other
        ? {
            environment: active.environment,
            number: active.number,
            version: active.version,
            modelId: other.id,
            algorithm: other.algorithm,
            score: scoreOf(other.metrics, policy.metric),
          }
        : null,
    deployments: deploymentsOf(state, version),
    actor: metadata.actor,
    ...(metadata.reason !== undefined && { reason: metadata.reason }),
    trainedAt: data.trainedAt,
    recordedAt: event.recordedAt,
    command: {
      commandId: metadata.commandId,
      correlationId: metadata.correlationId,
      causationId: metadata.causationId,
      asked: "a training" as const,
    },
  };
  const outcome = parts.outcome === "deployed" ? "was deployed at once" : "was not deployed at once";
  const given = parts.reason === undefined ? "" : `; the reason given was “${parts.reason}”`;
  const sentence = `On ${event.recordedAt}, ${parts.actor} recorded the training of version ${version} (${model.algorithm}) of "${project}", which ${outcome} (“${parts.because}”)${given}.`;
  return { ...parts, sentence, paragraph: trainingParagraph({ ...parts, sentence }) };
}

async function trainingAt(store: Sources["store"], project: string, revision: number) {
  for await (const stored of store.readStream(streamOf(project), { from: BigInt(revision), maxCount: 1 })) {
    const event = recorded(stored);
    if (event.type === "ModelTrained" && isWhole(event)) return event;
  }
  throw new LedgerError("CORRUPT", `event ${revision} of "${project}" is not the training that it was: run verify`, {
    project,
    revision: String(revision),
  });
}

function deploymentsOf({ environments }: ProjectState, version: number) {
  const found: { environment: string; number: number; deploymentId: string }[] = [];
  for (const environment of names(environments)) {
    eachItem(lookUp(environments, environment)?.deployed ?? emptyList<PastDeployment>(), (one, index) => {
      if (one.version === version) found.push({ environment, number: index + 1, deploymentId: one.id });
    });
  }
  return found;
}
