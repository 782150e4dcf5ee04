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
  | { readonly version: number; readonly number: number; readonly replays?: number; readonly candidates: number };

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
  | { readonly do: "metric"; readonly metric: string; readonly goal: "maximize" | "minimize" }
  | { readonly do: "automatic"; readonly rule: "improved" | "not_worse" | "off" }
  | { readonly do: "freeze" | "unfreeze" };

export class Naive {
  readonly models: NaiveModel[] = [];
  readonly deployments: NaiveDeployment[] = [];
  metric = "f1";
  goal: "maximize" | "minimize" = "maximize";
  rule: "improved" | "not_worse" | "off" = "improved";
  frozen = false;
  exists = false;

  in(environment: string): NaiveDeployment[] {
    return this.deployments.filter((one) => one.environment === environment);
  }
  active(environment: string): NaiveDeployment | undefined {
    return this.in(environment).at(-1);
  }
  private score(version: number): number | undefined {
    const metrics = this.models[version - 1]?.metrics ?? {};
    return Object.hasOwn(metrics, this.metric) ? metrics[this.metric] : undefined;
  }
  private better(a: number, b: number): boolean {
    return this.goal === "maximize" ? a > b : a < b;
  }
  private qualified(algorithm: string | undefined): NaiveModel[] {
    return this.models.filter((one) => !one.retired && (algorithm === undefined || one.algorithm === algorithm));
  }
  private activate(environment: string, version: number, candidates: number, replays?: number): Answer {
    const number = this.in(environment).length + 1;
    this.deployments.push({ environment, number, version });
    return { version, number, candidates, ...(replays !== undefined && { replays }) };
  }

  /** What the contract says to a step: a refusal, a deployment, or undefined where nothing is deployed. */
  take(step: Step): Answer | undefined {
    if (!this.exists && !["train", "metric", "automatic", "freeze", "unfreeze"].includes(step.do)) {
      return { refused: "PROJECT_NOT_FOUND" };
    }
    switch (step.do) {
      case "train":
        return this.train(step);
      case "metric":
        this.exists = true;
        this.metric = step.metric;
        this.goal = step.goal;
        return undefined;
      case "automatic":
        this.exists = true;
        this.rule = step.rule;
        return undefined;
      case "freeze":
      case "unfreeze":
        this.exists = true;
        this.frozen = step.do === "freeze";
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
        if (this.frozen && !step.force) return { refused: "PROJECT_FROZEN" };
        return this.exactly(step.version, step.environment, step.force);
      case "promote": {
        if (this.frozen && !step.force) return { refused: "PROJECT_FROZEN" };
        const source = this.active(step.from);
        return source ? this.exactly(source.version, step.to, step.force) : { refused: "NO_ACTIVE_MODEL" };
      }
      case "deploy":
        if (this.frozen && !step.force && step.strategy !== "rollback") return { refused: "PROJECT_FROZEN" };
        return step.strategy === "rollback" ? this.rollBack(step) : this.choose(step);
    }
  }

  private train({ algorithm, metrics, auto }: Extract<Step, { do: "train" }>): Answer | undefined {
    this.exists = true;
    const version = this.models.length + 1;
    this.models.push({ version, algorithm, metrics, retired: false });
    if (!auto || this.rule === "off" || this.frozen) return undefined;
    const active = this.active("production");
    const [now, before] = [this.score(version), active && this.score(active.version)];
    const deploys =
      active === undefined ||
      before === undefined ||
      (now !== undefined && (this.better(now, before) || (this.rule === "not_worse" && now === before)));
    return deploys ? this.activate("production", version, 1) : undefined;
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
