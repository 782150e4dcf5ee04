import { lookUp } from "../../projections/dictionary.ts";
import { emptyList, itemAt } from "../../projections/paged-list.ts";
import type { PastDeployment, ProjectState } from "../../projections/project.ts";
import {
  bestScored,
  deployedBefore,
  modelOf,
  population,
  qualifiedCount,
  returnableCount,
  trainedLast,
  versionOf,
} from "./candidates.ts";
import type { Choice, Deploy, ModelRef } from "./commands.ts";
import { type Refused, refuse } from "./outcome.ts";
import type { Policy } from "./policy.ts";

/** A model found by a strategy, with what the deployment must say of how. */
export interface Found {
  readonly version: number;
  readonly candidates: number;
  readonly replays?: string;
  readonly forced?: boolean;
}
export type Search = Found | Refused;

/** The model that the strategy finds, or why it finds none. */
export function choose(command: Deploy, choice: Choice, state: ProjectState, policy: Policy): Search {
  switch (choice.strategy) {
    case "best_score":
      return chooseBest(command, state, policy);
    case "most_recent": {
      const latest = trainedLast(state, command.algorithm);
      return latest ?? noQualifiedModel(command, state);
    }
    case "rollback":
      return "steps" in choice ? stepBack(command, choice.steps, state) : goTo(command, choice.toNumber, state);
    case "specific":
      return chooseSpecific(command, choice.model, state);
  }
}

const ofAlgorithm = (algorithm: string | undefined) => (algorithm === undefined ? "" : ` of algorithm "${algorithm}"`);

function lookedFor({ project, algorithm }: Deploy, state: ProjectState) {
  return { project, algorithm: algorithm ?? null, models: state.models.length, qualified: state.everyone.count };
}

function noQualifiedModel(command: Deploy, state: ProjectState): Search {
  const { project, algorithm } = command;
  return refuse(
    "NO_QUALIFIED_MODEL",
    `no model${ofAlgorithm(algorithm)} qualifies in "${project}" (${population(state)})`,
    lookedFor(command, state),
  );
}

function chooseBest(command: Deploy, state: ProjectState, policy: Policy): Search {
  const { project, algorithm } = command;
  const best = bestScored(state, policy, algorithm);
  if (best) return best;
  if (qualifiedCount(state, algorithm) === 0) return noQualifiedModel(command, state);
  const why =
    policy.metric === null
      ? `the task ${state.task} has no key metric; set a policy with metric and goal`
      : `no model${ofAlgorithm(algorithm)} has the key metric ${policy.metric}`;
  return refuse("NO_SCORED_MODEL", `cannot tell the best in "${project}": ${why} (${population(state)})`, {
    ...lookedFor(command, state),
    metric: policy.metric,
  });
}

function stepBack(command: Deploy, steps: number, state: ProjectState): Search {
  const { project, environment: name, algorithm } = command;
  const environment = lookUp(state.environments, name);
  const active = lookUp(state.active.environments, name);
  const details = { project, environment: name, algorithm: algorithm ?? null, steps };
  if (environment === undefined || active === undefined) {
    const message = `nothing was ever deployed in ${name} of "${project}", so there is nothing to roll back to`;
    return refuse("NO_PREVIOUS_DEPLOYMENT", message, { ...details, found: 0 });
  }
  const previous = deployedBefore(state, environment, active.version, { steps, algorithm });
  if (previous) {
    const replays = itemAt(environment.deployed, previous.number - 1)?.id ?? "";
    return { version: previous.version, candidates: previous.candidates, replays };
  }
  const found = returnableCount(state, environment, active.version, algorithm);
  return refuse(
    "NO_PREVIOUS_DEPLOYMENT",
    `cannot roll back ${steps === 1 ? "" : `${steps} steps `}in ${name} of "${project}": besides the active version ${active.version}, ` +
      `${found} qualified model${found === 1 ? "" : "s"}${ofAlgorithm(algorithm)} can be gone back to (models ever deployed there: ${environment.distinct})`,
    { ...details, found, deployments: environment.deployed.length },
  );
}

function goTo(command: Deploy, number: number, state: ProjectState): Search {
  const { project, environment: name, algorithm, force } = command;
  const past = lookUp(state.environments, name)?.deployed ?? emptyList<PastDeployment>();
  const target = itemAt(past, number - 1);
  if (target === undefined) {
    const has = past.length === 0 ? "nothing was deployed there yet" : `its deployments are 1 to ${past.length}`;
    return refuse("DEPLOYMENT_NOT_FOUND", `there is no deployment ${number} in ${name} of "${project}": ${has}`, {
      project,
      environment: name,
      number,
      deployments: past.length,
    });
  }
  const model = modelOf(state, target.version);
  if (algorithm !== undefined && model.algorithm !== algorithm) {
    return refuse(
      "NO_PREVIOUS_DEPLOYMENT",
      `deployment ${number} in ${name} of "${project}" is of algorithm "${model.algorithm}", not "${algorithm}"`,
      { project, environment: name, number, algorithm, found: model.algorithm },
    );
  }
  if (model.isRetired && !force) return modelRetired(project, target.version);
  return { version: target.version, candidates: 1, replays: target.id, forced: model.isRetired };
}

function chooseSpecific({ project, algorithm, force }: Deploy, reference: ModelRef, state: ProjectState): Search {
  const version = versionOf(state, reference);
  if (version === undefined) return modelNotFound(project, reference, state);
  const model = modelOf(state, version);
  if (algorithm !== undefined && model.algorithm !== algorithm) {
    return refuse(
      "MODEL_NOT_FOUND",
      `version ${version} of "${project}" is of algorithm "${model.algorithm}", not "${algorithm}"`,
      { project, model: reference, algorithm, found: model.algorithm },
    );
  }
  if (model.isRetired && !force) return modelRetired(project, version);
  return { version, candidates: 1, forced: model.isRetired };
}

export function modelNotFound(project: string, reference: ModelRef, state: ProjectState): Refused {
  const count = state.models.length;
  const has = count === 0 ? "it has no models yet" : `its versions are 1 to ${count}`;
  return refuse("MODEL_NOT_FOUND", `there is no model ${reference} in "${project}": ${has}`, {
    project,
    model: reference,
    models: count,
  });
}

export function modelRetired(project: string, version: number): Refused {
  return refuse("MODEL_RETIRED", `version ${version} of "${project}" is retired; reinstate it, or use force`, {
    project,
    version,
  });
}
