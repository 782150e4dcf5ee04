/**
 * CONTRACT §4 once more, deliberately naive: arrays, sorting, nothing shared with the product. It is what the folds and
 * `decide` are held against.
 */
export interface NaiveModel {
  readonly version: number;
  readonly algorithm: string;
  readonly metrics: Readonly<Record<string, number>>;
  retired: boolean;
}
interface NaiveDeployment {
  readonly environment: string;
  readonly number: number;
  readonly version: number;
}
type Answer =
  | { readonly refused: string }
  | {
      readonly environment: string;
      readonly version: number;
      readonly number: number;
      readonly replays?: number;
      readonly candidates: number;
    };

interface NaivePolicy {
  readonly automaticDeploy: "improved" | "not_worse" | "off";
  readonly minImprovement: number;
  readonly environment: string;
  readonly requireReason: boolean;
  readonly frozen: { readonly reason: string; readonly until?: string } | null;
  readonly metric: string;
  readonly goal: "maximize" | "minimize";
}

/** CONTRACT §5, for a task whose key metric is f1. */
const DEFAULTS: NaivePolicy = {
  automaticDeploy: "improved",
  minImprovement: 0,
  environment: "production",
  requireReason: false,
  frozen: null,
  metric: "f1",
  goal: "maximize",
};

/** What is not named keeps its value, null takes it back to the default. */
export type PolicyChange = { readonly [field in keyof NaivePolicy]?: NaivePolicy[field] | null };

export type Step =
  | {
      readonly do: "train";
      readonly algorithm: string;
      readonly metrics: Readonly<Record<string, number>>;
      readonly auto: boolean;
    }
  | {
      readonly do: "deploy";
      readonly strategy: "best_score" | "most_recent" | "rollback";
      readonly algorithm?: string | undefined;
      readonly steps?: number | undefined;
      readonly toNumber?: number | undefined;
      readonly environment: string;
      readonly force: boolean;
    }
  | { readonly do: "specific"; readonly version: number; readonly environment: string; readonly force: boolean }
  | { readonly do: "promote"; readonly from: string; readonly to: string; readonly force: boolean }
  | { readonly do: "retire" | "reinstate"; readonly version: number }
  | { readonly do: "policy"; readonly change: PolicyChange };

/** When a step is decided on (ISO 8601), and whether a reason came with it. */
interface Circumstances {
  readonly now?: string;
  readonly hasReason?: boolean;
}

/** Both are decimals of at most six places, which their difference as binary fractions need not be. */
const isMoreThan = (difference: number, least: number): boolean =>
  Math.round(difference * 1e6) > Math.round(least * 1e6);

export class Naive {
  readonly models: NaiveModel[] = [];
  readonly deployments: NaiveDeployment[] = [];
  policy: NaivePolicy = DEFAULTS;
  exists = false;

  in(environment: string): NaiveDeployment[] {
    return this.deployments.filter((one) => one.environment === environment);
  }
  active(environment: string): NaiveDeployment | undefined {
    return this.in(environment).at(-1);
  }
  private score(version: number): number | undefined {
    const metrics = this.models[version - 1]?.metrics ?? {};
    return Object.hasOwn(metrics, this.policy.metric) ? metrics[this.policy.metric] : undefined;
  }
  private better(a: number, b: number): boolean {
    return this.policy.goal === "maximize" ? a > b : a < b;
  }
  private qualified(algorithm: string | undefined): NaiveModel[] {
    return this.models.filter((one) => !one.retired && (algorithm === undefined || one.algorithm === algorithm));
  }
  private activate(environment: string, version: number, candidates: number, replays?: number): Answer {
    const number = this.in(environment).length + 1;
    this.deployments.push({ environment, number, version });
    return { environment, version, number, candidates, ...(replays !== undefined && { replays }) };
  }

  /** What the contract says to a step: a refusal, a deployment, or undefined where nothing is deployed. */
  take(step: Step, { now = "", hasReason = true }: Circumstances = {}): Answer | undefined {
    if (!this.exists && step.do !== "train" && step.do !== "policy") return { refused: "PROJECT_NOT_FOUND" };
    if (this.policy.requireReason && step.do !== "train" && !hasReason) return { refused: "REASON_REQUIRED" };
    switch (step.do) {
      case "train":
        return this.train(step, now);
      case "policy":
        this.exists = true;
        this.change(step.change);
        return undefined;
      case "retire": {
        const model = this.models[step.version - 1];
        if (!model) return { refused: "MODEL_NOT_FOUND" };
        if (model.retired) return { refused: "MODEL_RETIRED" };
        model.retired = true;
        return undefined;
      }
      case "reinstate": {
        const model = this.models[step.version - 1];
        if (!model) return { refused: "MODEL_NOT_FOUND" };
        model.retired = false;
        return undefined;
      }
      case "specific":
        if (this.isFrozen(now) && !step.force) return { refused: "PROJECT_FROZEN" };
        return this.exactly(step.version, step.environment, step.force);
      case "promote": {
        if (this.isFrozen(now) && !step.force) return { refused: "PROJECT_FROZEN" };
        const source = this.active(step.from);
        return source ? this.exactly(source.version, step.to, step.force) : { refused: "NO_ACTIVE_MODEL" };
      }
      case "deploy":
        if (this.isFrozen(now) && !step.force && step.strategy !== "rollback") return { refused: "PROJECT_FROZEN" };
        return step.strategy === "rollback" ? this.rollBack(step) : this.choose(step);
    }
  }

  /** A goal belongs to its metric, and goes with it. */
  private change(change: PolicyChange): void {
    const all = { ...change, ...(change.metric === null && { goal: null }) };
    const named = Object.entries(all).flatMap(([field, value]) =>
      value === undefined ? [] : [[field, value ?? DEFAULTS[field as keyof NaivePolicy]]],
    );
    this.policy = { ...this.policy, ...Object.fromEntries(named) };
  }

  private isFrozen(now: string): boolean {
    const { frozen } = this.policy;
    return frozen !== null && (frozen.until === undefined || now < frozen.until);
  }

  private train({ algorithm, metrics, auto }: Extract<Step, { do: "train" }>, now: string): Answer | undefined {
    this.exists = true;
    const version = this.models.length + 1;
    this.models.push({ version, algorithm, metrics, retired: false });
    const { automaticDeploy: rule, minImprovement, environment } = this.policy;
    if (!auto || rule === "off" || this.isFrozen(now)) return undefined;
    const active = this.active(environment);
    const [score, before] = [this.score(version), active && this.score(active.version)];
    const isImproved = (one: number, other: number): boolean =>
      this.better(one, other) && (minImprovement === 0 || isMoreThan(Math.abs(one - other), minImprovement));
    const deploys =
      active === undefined ||
      before === undefined ||
      (score !== undefined && (rule === "improved" ? isImproved(score, before) : !this.better(before, score)));
    return deploys ? this.activate(environment, version, 1) : undefined;
  }

  private exactly(version: number, environment: string, force: boolean): Answer {
    const model = this.models[version - 1];
    if (!model) return { refused: "MODEL_NOT_FOUND" };
    if (model.retired && !force) return { refused: "MODEL_RETIRED" };
    return this.activate(environment, version, 1);
  }

  private choose({ strategy, algorithm, environment }: Extract<Step, { do: "deploy" }>): Answer {
    const all = this.qualified(algorithm);
    if (all.length === 0) return { refused: "NO_QUALIFIED_MODEL" };
    if (strategy === "most_recent") {
      const [latest] = [...all].sort((a, b) => b.version - a.version);
      return this.activate(environment, latest?.version ?? 0, all.length);
    }
    const [best] = all
      .flatMap(({ version }) => {
        const score = this.score(version);
        return score === undefined ? [] : [{ version, score }];
      })
      .sort((a, b) => (a.score === b.score ? a.version - b.version : this.better(a.score, b.score) ? -1 : 1));
    return best ? this.activate(environment, best.version, all.length) : { refused: "NO_SCORED_MODEL" };
  }

  private rollBack(step: Extract<Step, { do: "deploy" }>): Answer {
    const { algorithm, environment, toNumber, steps = 1, force } = step;
    const past = this.in(environment);
    if (toNumber !== undefined) {
      const target = past.find((one) => one.number === toNumber);
      const model = target && this.models[target.version - 1];
      if (!target || !model) return { refused: "DEPLOYMENT_NOT_FOUND" };
      if (algorithm !== undefined && model.algorithm !== algorithm) return { refused: "NO_PREVIOUS_DEPLOYMENT" };
      if (model.retired && !force) return { refused: "MODEL_RETIRED" };
      return this.activate(environment, target.version, 1, toNumber);
    }
    const active = past.at(-1);
    const newestFirst = [...past].reverse();
    const distinct = newestFirst.filter(
      (one, index) => newestFirst.findIndex((other) => other.version === one.version) === index,
    );
    const others = distinct.filter((one) => {
      const model = this.models[one.version - 1];
      return one.version !== active?.version && model && this.qualified(algorithm).includes(model);
    });
    const target = others[steps - 1];
    if (!target) return { refused: "NO_PREVIOUS_DEPLOYMENT" };
    return this.activate(environment, target.version, others.length, target.number);
  }
}
