import { z } from "zod";
import type { FoldedEvent } from "../../projections/active-models.ts";
import { lookUp } from "../../projections/dictionary.ts";
import { itemAt } from "../../projections/paged-list.ts";
import { evolveProject, initialProject, type ProjectState } from "../../projections/project.ts";
import { scoreOf } from "../../projections/scores.ts";
import { LedgerError, type LedgerErrorCode } from "../errors.ts";
import type { ModelDeployedData, ModelTrainedData, PolicyData, Strategy } from "../events/events.ts";
import type { Goal } from "../events/tasks.ts";
import { ASKED_NOT_TO_DEPLOY } from "./automatic-deploy.ts";
import { deployedBefore, versionOf } from "./candidates.ts";
import { type Choice, type Command, ModelRef, Moment, PolicyInput } from "./commands.ts";
import { decide } from "./decide.ts";
import { freezeAt, mergePolicy, policyInForce } from "./policy.ts";
import { ServingTimes, type TimesInEnvironment } from "./serving-times.ts";

/** Another rule to replay a project's history under; what is left out stays as it was. */
export const WhatIfRule = z
  .strictObject({
    /** Holds from the beginning and over every policy that was set. */
    policy: PolicyInput.optional(),
    /** As if this model had been recorded and never qualified. */
    without: ModelRef.optional(),
    /**
     * Decides every deployment that was asked for but promotions, and whatever a training could deploy: the model it
     * finds is deployed unless it is active already.
     */
    strategy: z.enum(["best_score", "most_recent"]).optional(),
    /** When the comparison ends: what was recorded later does not count. Now unless given. */
    until: Moment.optional(),
  })
  .refine(({ policy, without, strategy }) => policy !== undefined || without !== undefined || strategy !== undefined, {
    message: "name what is to be different: policy, without or strategy",
  });
export type WhatIfRule = z.input<typeof WhatIfRule>;

/** What was deployed, or would have been. */
export interface Served {
  readonly version: number;
  readonly modelId: string;
  readonly algorithm: string;
  readonly strategy: Strategy;
}

/** A moment at which a deployment was recorded, or would have been. */
export interface WhatIfRow {
  /** Of the event that was recorded then. */
  readonly revision: bigint;
  readonly recordedAt: string;
  readonly environment: string;
  readonly actual: (Served & { readonly number: number }) | null;
  readonly alternative: Served | null;
  /** Why the other rule would have deployed nothing, where it refused. */
  readonly refused?: { readonly code: LedgerErrorCode; readonly message: string };
  readonly differs: boolean;
}

export interface WhatIf {
  readonly project: string;
  /** The metric that the other rule decides by at the end, which the scores below are of. */
  readonly metric: string | null;
  readonly goal: Goal;
  readonly until: string;
  /** In the order of the log. */
  readonly rows: readonly WhatIfRow[];
  readonly environments: readonly TimesInEnvironment[];
}

type Trained = FoldedEvent & { readonly type: "ModelTrained"; readonly data: ModelTrainedData };
type Deployed = FoldedEvent & { readonly type: "ModelDeployed"; readonly data: ModelDeployedData };
type Row = Omit<WhatIfRow, "differs">;
type Outcome = { readonly served: Served; readonly environment: string } | { readonly refused?: WhatIfRow["refused"] };

/**
 * Replays a project's history under another rule, beside what happened: what people asked for stays, and what it came to
 * is decided anew. Pure: events go in, in order, and nothing is written.
 */
export class WhatIfReplay {
  readonly #rule: z.output<typeof WhatIfRule>;
  readonly #defaults: PolicyData;
  readonly #actual = initialProject();
  readonly #alternative = initialProject();
  readonly #times = new ServingTimes();
  readonly #rows: WhatIfRow[] = [];
  /** A training's own deployment that waits for what was recorded of it, in the event after it. */
  #waiting: { readonly row: Row; readonly modelId: string } | undefined;
  #isBegun = false;

  constructor(rule: z.output<typeof WhatIfRule>, defaults: PolicyData) {
    this.#rule = rule;
    this.#defaults = defaults;
  }

  /** @throws {LedgerError} INVALID_INPUT for a policy that cannot be, such as a metric without a goal. */
  next(event: FoldedEvent): void {
    if (!this.#isBegun && this.#rule.policy) this.#setPolicy({}, event);
    this.#isBegun = true;
    switch (event.type) {
      case "ModelTrained":
        this.#flush();
        this.#train(event);
        break;
      case "ModelDeployed":
        this.#deploy(event);
        break;
      case "ModelRetired":
      case "ModelReinstated":
        if (!this.#isLeftOut(event.data.modelId, event.data.version)) evolveProject(this.#alternative, event);
        break;
      case "PolicySet":
        this.#setPolicy(event.data.policy, event);
        break;
    }
    evolveProject(this.#actual, event);
  }

  result(project: string, until: string): WhatIf {
    this.#flush();
    const { policy, task, models } = this.#alternative;
    const { metric, goal } = policyInForce(policy, this.#defaults, task);
    const environments = this.#times.until(until, { metric, goal }, (version) =>
      scoreOf(itemAt(models, version - 1)?.metrics ?? {}, metric),
    );
    return { project, metric, goal, until, rows: this.#rows, environments };
  }

  #isLeftOut(modelId: string, version: number): boolean {
    const { without } = this.#rule;
    return without === modelId || without === version;
  }

  #setPolicy(own: PolicyData, event: FoldedEvent): void {
    const task = this.#actual.task ?? (event.type === "ModelTrained" ? event.data.task : null);
    const merged = mergePolicy(own, this.#rule.policy ?? {}, task);
    if ("fault" in merged) {
      const { path, message } = merged.fault;
      throw new LedgerError("INVALID_INPUT", `invalid rule: ${path}: ${message}`, { issues: [merged.fault] });
    }
    const data = { project: event.data.project, policy: merged.policy, changed: [] };
    evolveProject(this.#alternative, { ...event, type: "PolicySet", data });
  }

  #train(event: Trained): void {
    const { data, metadata } = event;
    const isAsked = data.automaticDeploy.because !== ASKED_NOT_TO_DEPLOY;
    const isLeftOut = this.#isLeftOut(data.modelId, data.version);
    const { strategy } = this.#rule;
    const { automaticDeploy: _, modelId: __, version: ___, ...training } = data;
    const ownDeployment = this.#run(event, {
      ...OPTIONS,
      ...training,
      type: "RecordTraining",
      automaticDeploy: isAsked && !isLeftOut && strategy === undefined,
    });
    if (isLeftOut)
      evolveProject(this.#alternative, { ...event, type: "ModelRetired", data: { ...data, activeIn: [] } });
    const outcome = isAsked && !isLeftOut && strategy ? this.#insteadOfTraining(event, strategy) : ownDeployment;
    if (!("served" in outcome)) return;
    const { served, environment } = outcome;
    const { recordedAt } = metadata;
    const revision = BigInt(event.revision);
    const row = { revision, recordedAt, environment, actual: null, alternative: served };
    this.#waiting = { row, modelId: data.modelId };
  }

  /** What a strategy deploys at a training, unless that is active already or trainings deploy nothing. */
  #insteadOfTraining(event: Trained, strategy: "best_score" | "most_recent"): Outcome {
    const { policy, task, active } = this.#alternative;
    const { automaticDeploy, environment } = policyInForce(policy, this.#defaults, task);
    if (automaticDeploy === "off") return {};
    const before = lookUp(active.environments, environment)?.version;
    const { project } = event.data;
    const command = { ...OPTIONS, type: "Deploy", project, environment, force: false, choice: { strategy } } as const;
    return this.#run(event, { ...command, reason: event.metadata.reason ?? "a training" }, (found) => found !== before);
  }

  #deploy(event: Deployed): void {
    const { data, metadata } = event;
    const { environment, version, modelId, algorithm, strategy, number } = data;
    const { recordedAt } = metadata;
    const revision = BigInt(event.revision);
    const actual = { version, modelId, algorithm, strategy, number };
    const waiting = this.#waiting;
    const isOfTraining = strategy === "new_score";
    if (isOfTraining && waiting?.modelId === modelId && waiting.row.environment === environment) {
      this.#waiting = undefined;
      this.#push({ ...waiting.row, revision, actual });
      return;
    }
    this.#flush();
    const outcome = isOfTraining ? {} : this.#run(event, this.#commandOf(event));
    const row = { revision, recordedAt, environment, actual };
    if ("served" in outcome) this.#push({ ...row, alternative: outcome.served });
    else this.#push({ ...row, alternative: null, ...(outcome.refused && { refused: outcome.refused }) });
  }

  /** What must have been asked for, so that this was recorded. */
  #commandOf({ data, metadata }: Deployed): Command {
    const { project, environment, promotedFrom, algorithmFilter, deployedAt, forced } = data;
    const policy = policyInForce(this.#actual.policy, this.#defaults, this.#actual.task);
    const isRollback = data.strategy === "rollback";
    const force = forced === true || (!isRollback && freezeAt(policy, metadata.recordedAt) !== null);
    const common = { ...OPTIONS, project, deployedAt, force, reason: metadata.reason };
    if (promotedFrom !== undefined) return { ...common, type: "Promote", from: promotedFrom, to: environment };
    const choice = this.#rule.strategy ? { strategy: this.#rule.strategy } : this.#choiceOf(data);
    return { ...common, type: "Deploy", environment, choice, algorithm: algorithmFilter };
  }

  /** A rollback is told by how far back it went; one that went nowhere or to a retired model, by that model. */
  #choiceOf({ strategy, environment, modelId, version, algorithmFilter: algorithm }: ModelDeployedData): Choice {
    if (strategy === "best_score" || strategy === "most_recent") return { strategy };
    const past = lookUp(this.#actual.environments, environment);
    const active = lookUp(this.#actual.active.environments, environment);
    if (strategy !== "rollback" || past === undefined || active === undefined) {
      return { strategy: "specific", model: modelId };
    }
    for (let steps = 1; ; steps++) {
      const found = deployedBefore(this.#actual, past, active.version, { steps, algorithm });
      if (found?.version === version) return { strategy: "rollback", steps };
      if (found === undefined) break;
    }
    const toNumber = lookUp(this.#alternative.environments, environment)?.latestOf[version - 1] ?? 0;
    return toNumber > 0 ? { strategy: "rollback", toNumber } : { strategy: "specific", model: modelId };
  }

  /** Decides a command in the other history and folds what it comes to, if `isWanted`. */
  #run(event: Trained | Deployed, command: Command, isWanted = (_version: number) => true): Outcome {
    const state = this.#alternative;
    const { data, metadata, revision } = event;
    const outcome = decide(command, state, {
      now: metadata.recordedAt,
      modelId: data.modelId,
      deploymentId: `alternative-${revision}`,
      defaults: this.#defaults,
    });
    if ("refusal" in outcome) {
      const { code, message } = outcome.refusal;
      return { refused: { code, message } };
    }
    let found: Outcome = {};
    for (const fact of outcome.events) {
      if (fact.type === "ModelDeployed" && !isWanted(fact.data.version)) return {};
      evolveProject(state, { ...fact, metadata, revision });
      if (fact.type !== "ModelDeployed") continue;
      const { version, modelId, algorithm, strategy, environment } = fact.data;
      found = { served: { version, modelId, algorithm, strategy }, environment };
    }
    return found;
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) this.#push(waiting.row);
  }

  #push(row: Row): void {
    const { recordedAt, environment, actual, alternative } = row;
    this.#rows.push({ ...row, differs: actual?.version !== alternative?.version });
    this.#times.change(environment, recordedAt, { actual: actual?.version, alternative: alternative?.version });
  }
}

const OPTIONS = { dryRun: false } as const;

/** @throws {LedgerError} MODEL_NOT_FOUND when the rule leaves out a model that there is not. */
export function checkRule({ without }: z.output<typeof WhatIfRule>, state: ProjectState): void {
  if (without === undefined || versionOf(state, without) !== undefined) return;
  const message = `there is no model ${without} in "${state.project}": its versions are 1 to ${state.models.length}`;
  throw new LedgerError("MODEL_NOT_FOUND", message, { project: state.project, model: without });
}
