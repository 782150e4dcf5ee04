import { z } from "zod";
import { lookUp } from "../../projections/dictionary.ts";
import { leaderboard } from "../../projections/leaderboard.ts";
import { eachItem, itemAt } from "../../projections/paged-list.ts";
import type { ProjectState } from "../../projections/project.ts";
import { versionOf } from "../domain/candidates.ts";
import type { ModelRef } from "../domain/commands.ts";
import { type Policy, policyInForce } from "../domain/policy.ts";
import { LedgerError } from "../errors.ts";
import type { ModelTrainedData, PolicyData } from "../events/events.ts";
import { AlgorithmName, streamOf } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import type { Task } from "../events/tasks.ts";
import type { EventStore } from "../store/event-store.ts";
import { type Across, versionWithoutProject } from "./across.ts";
import { type ActiveModel, activeModelOf, handedOut } from "./active-model.ts";
import type { Deployment, DeploymentSearch, DeploymentsFilter } from "./deployments.ts";
import { READ_OPTIONS } from "./positions.ts";
import type { Folded, ProjectCache } from "./project-cache.ts";

const Limit = z.int().positive();

export const ModelsFilter = z.strictObject({
  algorithm: AlgorithmName.optional(),
  /** Only the retired (true) or only the others (false). */
  retired: z.boolean().optional(),
  /** Only versions after this one: the place to go on from. */
  after: z.int().nonnegative().optional(),
  limit: Limit.optional(),
  ...READ_OPTIONS,
});
export type ModelsFilter = z.input<typeof ModelsFilter>;

export const LeaderboardFilter = z.strictObject({
  algorithm: AlgorithmName.optional(),
  limit: Limit.optional(),
  ...READ_OPTIONS,
});
export type LeaderboardFilter = z.input<typeof LeaderboardFilter>;

/** A model with everything its training recorded. */
export interface ModelEntry extends Omit<ModelTrainedData, "automaticDeploy"> {
  readonly automaticDeploy: ModelTrainedData["automaticDeploy"];
  readonly isRetired: boolean;
  readonly actor: string;
  readonly reason?: string;
  readonly recordedAt: string;
  readonly revision: bigint;
}

export interface LeaderboardEntry {
  readonly place: number;
  readonly version: number;
  readonly modelId: string;
  readonly algorithm: string;
  readonly metric: string;
  readonly score: number;
  readonly metrics: ModelTrainedData["metrics"];
  readonly trainedAt: string;
  /** The environments where it is active. */
  readonly activeIn: readonly string[];
}

export interface ProjectSummary {
  readonly project: string;
  /** Null before the first training. */
  readonly task: Task | null;
  /** In force, defaults filled in. */
  readonly policy: Policy;
  readonly models: number;
  readonly retired: number;
  readonly deployments: number;
  /** The active model of each environment that ever had one. */
  readonly active: readonly ActiveModel[];
  /** When the last event was recorded. */
  readonly recordedAt: string;
  readonly revision: bigint;
}

interface Parts {
  readonly store: EventStore;
  readonly cache: ProjectCache<ProjectState>;
  readonly across: Across;
  readonly defaults: PolicyData;
}

/** The questions that history and the folds answer. Every one sees what was committed before it was asked. */
export class Queries {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @throws {LedgerError} PROJECT_NOT_FOUND */
  async known(project: string): Promise<Folded<ProjectState>> {
    const folded = await this.#parts.cache.fresh(project);
    if (folded.state.project === null) throw projectNotFound(project);
    return folded;
  }

  async summary(project: string): Promise<ProjectSummary> {
    const { state, revision } = await this.known(project);
    const { defaults } = this.#parts;
    const active = Object.values(state.active.environments).map((one) =>
      activeModelOf(state, one.environment, one, defaults),
    );
    const environments = Object.values(state.environments);
    return {
      project,
      task: state.task,
      policy: policyInForce(state.policy, defaults, state.task),
      models: state.models.length,
      retired: state.models.length - state.everyone.count,
      deployments: environments.reduce((sum, { deployed }) => sum + deployed.length, 0),
      active: active.sort((a, b) => (a.environment < b.environment ? -1 : 1)),
      recordedAt: state.recordedAt,
      revision,
    };
  }

  /** In the order of their first events. */
  async *summaries(signal?: AbortSignal): AsyncGenerator<ProjectSummary> {
    const { across, defaults } = this.#parts;
    const readModel = await across.readModel();
    if (readModel === undefined) {
      for await (const project of across.namesInLog(signal)) yield await this.summary(project);
      return;
    }
    for await (const row of readModel.projects({ defaults, signal })) {
      const { project, task, policy, models, retired, deployments, active, recordedAt, revision } = row;
      yield {
        project,
        task,
        policy: policyInForce(policy, defaults, task),
        ...{ models, retired, deployments, active, recordedAt, revision },
      };
    }
  }

  /** By version. */
  async *models(project: string, filter: z.output<typeof ModelsFilter>): AsyncGenerator<ModelEntry> {
    const { state } = await this.known(project);
    const isRetired: boolean[] = [];
    eachItem(state.models, (model) => isRetired.push(model.isRetired));
    const first = itemAt(state.models, filter.after ?? 0);
    if (first === undefined) return;
    let left = filter.limit ?? Number.POSITIVE_INFINITY;
    const { signal } = filter;
    const range = { from: BigInt(first.revision), ...(signal && { signal }) };
    for await (const stored of this.#parts.store.readStream(streamOf(project), range)) {
      if (stored.type !== "ModelTrained") continue;
      const event = recorded(stored);
      if (event.type !== "ModelTrained") continue;
      const retired = isRetired[event.data.version - 1];
      if (retired === undefined) return;
      if (filter.algorithm !== undefined && event.data.algorithm !== filter.algorithm) continue;
      if (filter.retired !== undefined && retired !== filter.retired) continue;
      const { actor, reason, recordedAt } = event.metadata;
      const because = reason === undefined ? {} : { reason };
      yield { ...event.data, isRetired: retired, actor, ...because, recordedAt, revision: event.revision };
      left -= 1;
      if (left === 0) return;
    }
  }

  /** @throws {LedgerError} PROJECT_NOT_FOUND, MODEL_NOT_FOUND */
  async model(project: string, model: ModelRef): Promise<ModelEntry> {
    const { state } = await this.known(project);
    const version = versionOf(state, model);
    if (version === undefined) throw modelNotFound(project, model);
    for await (const entry of this.models(project, { after: version - 1, limit: 1 })) return entry;
    throw modelNotFound(project, model);
  }

  async *leaderboard(project: string, filter: z.output<typeof LeaderboardFilter>): AsyncGenerator<LeaderboardEntry> {
    const { state } = await this.known(project);
    const key = policyInForce(state.policy, this.#parts.defaults, state.task);
    const active = Object.values(state.active.environments);
    const places = leaderboard(state, key, filter.algorithm).slice(0, filter.limit);
    const models = places.map(({ version }) => itemAt(state.models, version - 1));
    for (const [index, place] of places.entries()) {
      const model = models[index];
      if (model === undefined || key.metric === null) return;
      const { id: modelId, algorithm, metrics, trainedAt } = handedOut(model);
      const activeIn = active.filter(({ version }) => version === place.version).map(({ environment }) => environment);
      yield { ...place, modelId, algorithm, metric: key.metric, metrics, trainedAt, activeIn };
    }
  }

  async *deployments(filter: z.output<typeof DeploymentsFilter>): AsyncGenerator<Deployment> {
    yield* this.#parts.across.deployments(await this.#searchOf(filter));
  }

  async #searchOf({ model, ...filter }: z.output<typeof DeploymentsFilter>): Promise<DeploymentSearch> {
    const { minPosition, project, ...search } = filter;
    if (project === undefined) {
      if (typeof model === "number") throw versionWithoutProject();
      return { ...search, modelId: model };
    }
    const { state } = await this.known(project);
    if (model === undefined) return { ...search, project };
    const version = versionOf(state, model);
    const id = version === undefined ? undefined : itemAt(state.models, version - 1)?.id;
    if (id !== undefined) return { ...search, project, modelId: id };
    throw modelNotFound(project, model);
  }
}

const modelNotFound = (project: string, model: ModelRef): LedgerError =>
  new LedgerError("MODEL_NOT_FOUND", `there is no model ${model} in "${project}"`, { project, model });

export function projectNotFound(project: string): LedgerError {
  return new LedgerError("PROJECT_NOT_FOUND", `there is no project "${project}"`, { project });
}

/** The active model in one environment, from the fold. */
export function activeIn(
  { state }: Folded<ProjectState>,
  environment: string,
  defaults: PolicyData,
): ActiveModel | undefined {
  const active = lookUp(state.active.environments, environment);
  return active && activeModelOf(state, environment, active, defaults);
}
