import type { ModelDeployedData, ModelTrainedData, PolicyData } from "../src/events/events.ts";
import type { Task } from "../src/events/tasks.ts";
import { type ActiveModels, evolveActiveModels, type FoldedEvent, initialActiveModels } from "./active-models.ts";
import { type Dictionary, enter, lookUp, names } from "./dictionary.ts";
import { eachItem, emptyList, itemAt, type PagedList, setItem } from "./paged-list.ts";
import { isBetter, type KeyMetric, keyMetric, scoreOf } from "./scores.ts";

/**
 * What `decide` needs to know of a project. The folds own their state: `evolve` changes the object it is given and
 * returns it, because a project of 100,000 models cannot be copied for each event. Whoever needs the state before an
 * event copies it first. Everything in it is JSON, so that it can be a snapshot or the state of a server projection.
 */
export interface ProjectState {
  /** Of the last event folded; -1 when there is none. */
  revision: number;
  /** The chain hash and the time of the last event. */
  hash: string;
  recordedAt: string;
  project: string | null;
  task: Task | null;
  policy: PolicyData;
  /** By version: the first is version 1. */
  readonly models: PagedList<Model>;
  /** The metric that `everyone` and `algorithms` are ranked by: the policy's or the task's. */
  ranking: KeyMetric;
  everyone: Candidates;
  algorithms: Dictionary<Candidates>;
  readonly active: ActiveModels;
  readonly environments: Dictionary<EnvironmentState>;
  /** The commands whose id the caller chose, two generations of them: id to the revision of the first event. */
  commands: { newer: Dictionary<number>; newerCount: number; older: Dictionary<number>; forgotten: boolean };
  /** What `decide` no longer needs and an explanation does: who was retired when, and which policy held. */
  readonly past: {
    readonly retirements: { readonly revision: number; readonly version: number; readonly isRetired: boolean }[];
    readonly policies: { readonly revision: number; readonly policy: PolicyData }[];
  };
  /** The first event of a type that this version does not know. */
  unknownEvent: { readonly type: string; readonly revision: number } | null;
}

export interface Model {
  readonly id: string;
  readonly algorithm: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly trainedAt: string;
  readonly artifact?: ModelTrainedData["artifact"];
  /** Of its ModelTrained event. */
  readonly revision: number;
  readonly isRetired: boolean;
}

/** The models that qualify, of one algorithm or of all: not retired. Versions; 0 stands for none. */
export interface Candidates {
  count: number;
  /** How many of them have a score in the ranking's metric. */
  scored: number;
  /** The best score; among equals the one trained first. */
  best: number;
  /** The one trained last. */
  latest: number;
}

export interface PastDeployment {
  readonly id: string;
  readonly version: number;
  readonly revision: number;
}

/** What rollback needs: every deployment, and the models in the order of their latest one. */
export interface EnvironmentState {
  /** By number: the first is deployment 1. */
  readonly deployed: PagedList<PastDeployment>;
  /** By version: the number of its latest deployment here, or 0. */
  readonly latestOf: number[];
  /** How many distinct models were ever deployed here. */
  distinct: number;
  /** Numbers, oldest first; one that is not its model's latest is out of date and passed over. */
  recent: number[];
  /** How many of those are not retired, in all and by algorithm. */
  returnable: number;
  readonly returnableOf: Dictionary<number>;
}

/** A commandId is recognised for at least this many later commands (CONTRACT §10). */
const REMEMBERED_COMMANDS = 10_000;

export const GENESIS_HASH = "0".repeat(64);

const noCandidates = (): Candidates => ({ count: 0, scored: 0, best: 0, latest: 0 });

export const initialProject = (): ProjectState => ({
  revision: -1,
  hash: GENESIS_HASH,
  recordedAt: "",
  project: null,
  task: null,
  policy: {},
  models: emptyList(),
  ranking: { metric: null, goal: "maximize" },
  everyone: noCandidates(),
  algorithms: {},
  active: initialActiveModels(),
  environments: {},
  commands: { newer: {}, newerCount: 0, older: {}, forgotten: false },
  past: { retirements: [], policies: [] },
  unknownEvent: null,
});

/** Folds one event. It already happened, so nothing is refused; an unknown type is noted, never guessed. */
export function evolveProject(state: ProjectState, event: FoldedEvent): ProjectState {
  state.revision = event.revision;
  state.hash = event.metadata.hash;
  state.recordedAt = event.metadata.recordedAt;
  rememberCommand(state, event);
  evolveActiveModels(state.active, event);
  switch (event.type) {
    case "ModelTrained":
      state.project = event.data.project;
      train(state, event.data, event.revision);
      return state;
    case "ModelDeployed":
      deploy(state, event.data, event.revision);
      return state;
    case "ModelRetired":
      setRetired(state, event.data.version, event.revision, true);
      return state;
    case "ModelReinstated":
      setRetired(state, event.data.version, event.revision, false);
      return state;
    case "PolicySet":
      state.project = event.data.project;
      state.policy = event.data.policy;
      state.past.policies.push({ revision: event.revision, policy: event.data.policy });
      rank(state);
      return state;
  }
  const { type, revision }: { readonly type: string; readonly revision: number } = event;
  state.unknownEvent ??= { type, revision };
  return state;
}

/** The revision at which a command's events begin, if its id was the caller's and is still remembered. */
export function revisionOfCommand(state: ProjectState, commandId: string): number | undefined {
  return lookUp(state.commands.newer, commandId) ?? lookUp(state.commands.older, commandId);
}

function rememberCommand({ commands }: ProjectState, { metadata, revision }: FoldedEvent): void {
  if (metadata.commandDigest === undefined || lookUp(commands.newer, metadata.commandId) !== undefined) return;
  if (commands.newerCount === REMEMBERED_COMMANDS) {
    commands.forgotten ||= names(commands.older).length > 0;
    commands.older = commands.newer;
    commands.newer = {};
    commands.newerCount = 0;
  }
  enter(commands.newer, metadata.commandId, revision);
  commands.newerCount += 1;
}

function train(state: ProjectState, data: ModelTrainedData, revision: number): void {
  const { modelId: id, version, algorithm, metrics, trainedAt, artifact } = data;
  const model: { -readonly [Key in keyof Model]: Model[Key] } = {
    id,
    algorithm,
    metrics,
    trainedAt,
    revision,
    isRetired: false,
  };
  if (artifact) model.artifact = artifact;
  setItem(state.models, version - 1, model);
  if (state.task === null) {
    state.task = data.task;
    rank(state);
  } else {
    qualify(state, version, model);
  }
}

/** Ranks every model anew: after the task became known, or when the policy names another metric or goal. */
function rank(state: ProjectState): void {
  state.ranking = keyMetric(state.task, state.policy);
  state.everyone = noCandidates();
  state.algorithms = {};
  eachItem(state.models, (model, index) => {
    if (!model.isRetired) qualify(state, index + 1, model);
  });
}

function qualify(state: ProjectState, version: number, model: Model): void {
  let ofAlgorithm = lookUp(state.algorithms, model.algorithm);
  if (ofAlgorithm === undefined) {
    ofAlgorithm = noCandidates();
    enter(state.algorithms, model.algorithm, ofAlgorithm);
  }
  count(state, state.everyone, version, model);
  count(state, ofAlgorithm, version, model);
}

function count({ models, ranking }: ProjectState, candidates: Candidates, version: number, model: Model): void {
  candidates.count += 1;
  candidates.latest = Math.max(candidates.latest, version);
  const score = scoreOf(model.metrics, ranking.metric);
  if (score === null) return;
  candidates.scored += 1;
  const best = scoreOf(itemAt(models, candidates.best - 1)?.metrics ?? {}, ranking.metric);
  const isFirst = best === null || isBetter(ranking.goal, score, best);
  if (isFirst || (score === best && version < candidates.best)) candidates.best = version;
}

function setRetired(state: ProjectState, version: number, revision: number, isRetired: boolean): void {
  const model = itemAt(state.models, version - 1);
  if (model === undefined || model.isRetired === isRetired) return;
  const changed: Model = { ...model, isRetired };
  setItem(state.models, version - 1, changed);
  state.past.retirements.push({ revision, version, isRetired });
  for (const environment of Object.values(state.environments)) {
    if (wasDeployed(environment, version)) countReturnable(environment, model.algorithm, isRetired ? -1 : 1);
  }
  if (isRetired) disqualify(state, version, changed);
  else qualify(state, version, changed);
}

/** Only the retirement of a leader needs a new ranking. */
function disqualify(state: ProjectState, version: number, model: Model): void {
  const affected = [state.everyone, lookUp(state.algorithms, model.algorithm) ?? noCandidates()];
  if (affected.some(({ best, latest }) => best === version || latest === version)) {
    rank(state);
    return;
  }
  for (const candidates of affected) {
    candidates.count -= 1;
    if (scoreOf(model.metrics, state.ranking.metric) !== null) candidates.scored -= 1;
  }
}

function deploy(
  state: ProjectState,
  { environment: name, number, version, deploymentId }: ModelDeployedData,
  revision: number,
): void {
  let environment = lookUp(state.environments, name);
  if (environment === undefined) {
    environment = { deployed: emptyList(), latestOf: [], distinct: 0, recent: [], returnable: 0, returnableOf: {} };
    enter(state.environments, name, environment);
  }
  if (!wasDeployed(environment, version)) {
    environment.distinct += 1;
    const model = itemAt(state.models, version - 1);
    if (model && !model.isRetired) countReturnable(environment, model.algorithm, 1);
  }
  setItem(environment.deployed, number - 1, { id: deploymentId, version, revision });
  const { latestOf } = environment;
  while (latestOf.length < state.models.length) latestOf.push(0);
  latestOf[version - 1] = number;
  environment.recent.push(number);
  // Swept when half of it may be out of date: a deployment costs the same however many came before.
  if (environment.recent.length > 2 * environment.distinct + 16) {
    environment.recent = environment.recent.filter((candidate) => isLatest(environment, candidate));
  }
}

const wasDeployed = ({ latestOf }: EnvironmentState, version: number): boolean => (latestOf[version - 1] ?? 0) > 0;

/** Whether this deployment is the latest of its model in the environment. */
export function isLatest({ deployed, latestOf }: EnvironmentState, number: number): boolean {
  const deployment = itemAt(deployed, number - 1);
  return deployment !== undefined && latestOf[deployment.version - 1] === number;
}

function countReturnable(environment: EnvironmentState, algorithm: string, change: 1 | -1): void {
  environment.returnable += change;
  enter(environment.returnableOf, algorithm, (lookUp(environment.returnableOf, algorithm) ?? 0) + change);
}
