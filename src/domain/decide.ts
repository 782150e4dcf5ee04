import { lookUp } from "../../projections/dictionary.ts";
import type { ProjectState } from "../../projections/project.ts";
import { scoreOf } from "../../projections/scores.ts";
import type { DecisionData, LedgerEvent, ModelDeployedData, Strategy } from "../events/events.ts";
import { decideAutomaticDeploy } from "./automatic-deploy.ts";
import { modelOf, versionOf } from "./candidates.ts";
import { choose, type Found, modelNotFound, modelRetired } from "./choose-model.ts";
import type { Command, Deploy, Promote, RecordTraining, ReinstateModel, RetireModel, SetPolicy } from "./commands.ts";
import { accept, type Facts, type Outcome, type Refused, refuse } from "./outcome.ts";
import { freezeAt, mergePolicy, type Policy, policyInForce } from "./policy.ts";

/**
 * Find, refuse, or state the fact. Pure. What an answer shows has its keys in the order of canonical JSON, so that a
 * repeated command is answered to the letter as it was at first. Reasons for refusal are looked for in the order of CONTRACT §10: project, lost
 * race, reason, freeze, then model or candidates (bad input never comes this far).
 */
export function decide(command: Command, state: ProjectState, facts: Facts): Outcome {
  const project = command.project;
  const mayBegin = command.type === "RecordTraining" || command.type === "SetPolicy";
  if (state.project === null && !mayBegin) {
    return refuse("PROJECT_NOT_FOUND", `there is no project "${project}"; its first training or policy makes it`, {
      project,
    });
  }
  const policy = policyInForce(state.policy, facts.defaults, state.task);
  return (
    refuseLostRace(command, state) ??
    refuseMissingReason(command, policy) ??
    refuseFrozen(command, policy, facts) ??
    decideOn(command, state, policy, facts)
  );
}

function decideOn(command: Command, state: ProjectState, policy: Policy, facts: Facts): Outcome {
  switch (command.type) {
    case "RecordTraining":
      return recordTraining(command, state, policy, facts);
    case "Deploy":
      return deploy(command, state, policy, facts);
    case "Promote":
      return promote(command, state, policy, facts);
    case "RetireModel":
      return retire(command, state);
    case "ReinstateModel":
      return reinstate(command, state);
    case "SetPolicy":
      return setPolicy(command, state);
  }
}

function refuseLostRace({ expectedRevision, project }: Command, state: ProjectState): Refused | undefined {
  const actual = state.revision === -1 ? "no_stream" : BigInt(state.revision);
  if (expectedRevision === undefined || expectedRevision === actual) return undefined;
  const latest = Object.values(state.active.environments).reduce(
    (newest, active) => (newest === undefined || active.revision > newest.revision ? active : newest),
    undefined,
  );
  const hasWon = latest && (expectedRevision === "no_stream" || latest.revision > expectedRevision);
  const winner = hasWon
    ? `; the latest deployment is number ${latest.number} in ${latest.environment}: version ${latest.version} (${latest.algorithm}), by ${latest.actor}`
    : "";
  const found = actual === "no_stream" ? "there is none yet" : `it is at ${actual}`;
  const details = { project, expected: String(expectedRevision), actual: String(actual) };
  return refuse(
    "CONFLICT",
    `"${project}" was expected at revision ${expectedRevision}, but ${found}${winner}. Look again, then repeat`,
    hasWon ? { ...details, winner: { ...latest, revision: String(latest.revision) } } : details,
  );
}

function refuseMissingReason(command: Command, policy: Policy): Refused | undefined {
  if (!policy.requireReason || command.type === "RecordTraining" || command.reason !== undefined) return undefined;
  return refuse("REASON_REQUIRED", `the policy of "${command.project}" wants a reason with every command; give one`, {
    project: command.project,
  });
}

function refuseFrozen(command: Command, policy: Policy, { now }: Facts): Refused | undefined {
  if (command.type !== "Deploy" && command.type !== "Promote") return undefined;
  const isRollback = command.type === "Deploy" && command.choice.strategy === "rollback";
  const freeze = freezeAt(policy, now);
  if (freeze === null || command.force || isRollback) return undefined;
  const until = freeze.until === undefined ? "" : ` until ${freeze.until}`;
  return refuse(
    "PROJECT_FROZEN",
    `"${command.project}" is frozen${until}: ${freeze.reason}. A rollback is still possible, and anything with force`,
    { project: command.project, reason: freeze.reason, until: freeze.until ?? null },
  );
}

function recordTraining(command: RecordTraining, state: ProjectState, policy: Policy, facts: Facts): Outcome {
  const { project, algorithm, metrics, hyperparams, snapshot, artifact, labels } = command;
  const task = state.task ?? command.task;
  if (task === undefined) {
    return refuse(
      "TASK_REQUIRED",
      `the first training of "${project}" must name its task, for example classification`,
      {
        project,
      },
    );
  }
  if (command.task !== undefined && command.task !== task) {
    return refuse("TASK_MISMATCH", `"${project}" is a ${task} project; this training is for ${command.task}`, {
      project,
      task,
      given: command.task,
    });
  }
  const ruling = decideAutomaticDeploy(command, state, policyInForce(state.policy, facts.defaults, task), facts.now);
  const version = state.models.length + 1;
  const trained: LedgerEvent = {
    type: "ModelTrained",
    data: {
      project,
      modelId: facts.modelId,
      version,
      task,
      algorithm,
      metrics,
      hyperparams,
      ...(snapshot && { snapshot }),
      ...(artifact && { artifact }),
      ...(labels && { labels }),
      trainedAt: command.trainedAt ?? facts.now,
      automaticDeploy: { outcome: ruling.outcome, because: ruling.because },
    },
  };
  if (ruling.outcome !== "deployed") return accept(trained);
  return accept(
    trained,
    deployed(state, facts, {
      project,
      environment: policy.environment,
      model: { id: facts.modelId, version, algorithm },
      strategy: "new_score",
      decision: ruling.decision,
    }),
  );
}

function deploy(command: Deploy, state: ProjectState, policy: Policy, facts: Facts): Outcome {
  const found = choose(command, command.choice, state, policy);
  if ("refusal" in found) return found;
  return activate(state, facts, policy, {
    project: command.project,
    environment: command.environment,
    strategy: command.choice.strategy,
    algorithmFilter: command.algorithm,
    deployedAt: command.deployedAt,
    ...found,
  });
}

function promote(command: Promote, state: ProjectState, policy: Policy, facts: Facts): Outcome {
  const { project, from, to, force } = command;
  const source = lookUp(state.active.environments, from);
  if (source === undefined) {
    return refuse("NO_ACTIVE_MODEL", `nothing is active in ${from} of "${project}", so there is nothing to promote`, {
      project,
      environment: from,
    });
  }
  const { isRetired } = modelOf(state, source.version);
  if (isRetired && !force) return modelRetired(project, source.version);
  return activate(state, facts, policy, {
    project,
    environment: to,
    strategy: "specific",
    version: source.version,
    candidates: 1,
    promotedFrom: from,
    forced: isRetired,
    deployedAt: command.deployedAt,
  });
}

interface Activation extends Found {
  readonly project: string;
  readonly environment: string;
  readonly strategy: Strategy;
  readonly algorithmFilter?: string | undefined;
  readonly promotedFrom?: string;
  readonly deployedAt: string | undefined;
}

function activate(state: ProjectState, facts: Facts, policy: Policy, activation: Activation): Outcome {
  const { version, candidates, forced, algorithmFilter, promotedFrom, replays } = activation;
  const model = modelOf(state, version);
  const replaced = lookUp(state.active.environments, activation.environment);
  const decision: DecisionData = {
    candidates,
    goal: policy.goal,
    metric: policy.metric,
    previousScore: replaced ? scoreOf(modelOf(state, replaced.version).metrics, policy.metric) : null,
    score: scoreOf(model.metrics, policy.metric),
  };
  return accept(
    deployed(state, facts, {
      project: activation.project,
      environment: activation.environment,
      model: { id: model.id, version, algorithm: model.algorithm },
      strategy: activation.strategy,
      decision,
      deployedAt: activation.deployedAt,
      extras: {
        ...(algorithmFilter !== undefined && { algorithmFilter }),
        ...(replays !== undefined && { replays }),
        ...(promotedFrom !== undefined && { promotedFrom }),
        ...(forced && { forced }),
      },
    }),
  );
}

interface Fact {
  readonly project: string;
  readonly environment: string;
  readonly model: { readonly id: string; readonly version: number; readonly algorithm: string };
  readonly strategy: Strategy;
  readonly decision: DecisionData;
  readonly deployedAt?: string | undefined;
  readonly extras?: Pick<ModelDeployedData, "algorithmFilter" | "replays" | "promotedFrom" | "forced">;
}

function deployed(state: ProjectState, facts: Facts, fact: Fact): LedgerEvent {
  const { project, environment, model, strategy, decision, extras } = fact;
  const replaced = lookUp(state.active.environments, environment);
  return {
    type: "ModelDeployed",
    data: {
      project,
      environment,
      deploymentId: facts.deploymentId,
      number: (replaced?.number ?? 0) + 1,
      modelId: model.id,
      version: model.version,
      algorithm: model.algorithm,
      strategy,
      ...(replaced && { replaces: { deploymentId: replaced.deploymentId, modelId: replaced.modelId } }),
      ...extras,
      decision,
      deployedAt: fact.deployedAt ?? facts.now,
    },
  };
}

function retire({ project, model }: RetireModel, state: ProjectState): Outcome {
  const version = versionOf(state, model);
  if (version === undefined) return modelNotFound(project, model, state);
  const { id, isRetired } = modelOf(state, version);
  if (isRetired) {
    return refuse("MODEL_RETIRED", `version ${version} of "${project}" is already retired`, { project, version });
  }
  const activeIn = Object.values(state.active.environments)
    .filter((active) => active.version === version)
    .map((active) => active.environment);
  return accept({ type: "ModelRetired", data: { project, modelId: id, version, activeIn } });
}

function reinstate({ project, model }: ReinstateModel, state: ProjectState): Outcome {
  const version = versionOf(state, model);
  if (version === undefined) return modelNotFound(project, model, state);
  const { id, isRetired } = modelOf(state, version);
  return isRetired ? accept({ type: "ModelReinstated", data: { project, modelId: id, version } }) : accept();
}

function setPolicy({ project, policy }: SetPolicy, state: ProjectState): Outcome {
  const merged = mergePolicy(state.policy, policy, state.task);
  if ("fault" in merged) {
    const { path, message } = merged.fault;
    return refuse("INVALID_INPUT", `invalid policy: ${path}: ${message}`, { issues: [merged.fault] });
  }
  const changed = Object.entries(policy).flatMap(([field, value]) => (value === undefined ? [] : [field]));
  return accept({ type: "PolicySet", data: { project, policy: merged.policy, changed } });
}
