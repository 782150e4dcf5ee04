import type { Ledger } from "../../src/index.ts";
import type { PolicyChange, Step } from "../domain/naive-model.ts";
import type { Random } from "./random.ts";

export const ENVIRONMENTS = ["production", "staging", "canary"] as const;
const ALGORITHMS = ["svm", "knn", "gbt"] as const;
const SCORES = [0.1, 0.5, 0.5, 0.7, 0.9, 0.95] as const;
/** Some of them are the difference of two scores, in decimals. */
const MARGINS = [0.02, 0.05, 0.2, 0.4] as const;

/** What a client asks for, once: all its attempts ask for the same. */
export interface Order {
  readonly number: number;
  readonly project: string;
  readonly step: Step;
  readonly commandId?: string;
  readonly expectedRevision?: bigint | "no_stream";
  readonly dryRun: boolean;
  readonly reason?: string;
  readonly abortAfterMs?: number;
}

const WEIGHTS = {
  train: 30,
  best_score: 8,
  most_recent: 6,
  rollback: 14,
  toNumber: 4,
  specific: 12,
  promote: 6,
  retire: 7,
  reinstate: 6,
  policy: 12,
} as const;

const POLICY_WEIGHTS = {
  metric: 2,
  automaticDeploy: 3,
  minImprovement: 2,
  environment: 2,
  requireReason: 1,
  freeze: 1.5,
  unfreeze: 3,
} as const;

function drawChange(random: Random, nowMs: number): PolicyChange {
  switch (random.weighted(POLICY_WEIGHTS)) {
    case "metric":
      if (random.chance(0.25)) return { metric: null, goal: null };
      return { metric: random.pick(["f1", "loss"]), goal: random.pick(["maximize", "minimize"]) };
    case "automaticDeploy":
      return { automaticDeploy: random.pick(["improved", "not_worse", "off", null]) };
    case "minImprovement":
      return { minImprovement: random.pick([0, ...MARGINS, null]) };
    case "environment":
      return { environment: random.pick([...ENVIRONMENTS, null]) };
    case "requireReason":
      return { requireReason: random.pick([true, false, null]) };
    case "freeze": {
      const reason = "simulated";
      const until = new Date(nowMs + random.logUniform(10, 600_000)).toISOString();
      return { frozen: random.chance(0.7) ? { reason, until } : { reason } };
    }
    case "unfreeze":
      return { frozen: null };
  }
}

/** What a client believes: how many models there are, to name one that may exist, and what time it is. */
interface Belief {
  readonly models: number;
  readonly nowMs: number;
}

export function drawStep(random: Random, { models, nowMs }: Belief): Step {
  const environment = random.pick(ENVIRONMENTS);
  const version = random.between(1, Math.max(2, models + 1));
  const force = random.chance(0.2);
  const algorithm = random.chance(0.3) ? random.pick(ALGORITHMS) : undefined;
  const kind = random.weighted(WEIGHTS);
  switch (kind) {
    case "train": {
      const metrics = { ...(random.chance(0.85) && { f1: random.pick(SCORES) }), loss: random.pick(SCORES) };
      return { do: "train", algorithm: random.pick(ALGORITHMS), metrics, auto: random.chance(0.7) };
    }
    case "best_score":
    case "most_recent":
      return { do: "deploy", strategy: kind, algorithm, environment, force };
    case "rollback":
      return { do: "deploy", strategy: kind, algorithm, steps: random.pick([undefined, 1, 2, 3]), environment, force };
    case "toNumber":
      return { do: "deploy", strategy: "rollback", toNumber: random.between(1, 6), environment, force };
    case "specific":
      return { do: "specific", version, environment, force };
    case "promote": {
      const to = random.pick(ENVIRONMENTS.filter((one) => one !== environment));
      return { do: "promote", from: environment, to, force };
    }
    case "retire":
    case "reinstate":
      return { do: kind, version };
    case "policy": {
      const change = drawChange(random, nowMs);
      return { do: kind, change: random.chance(0.2) ? { ...change, ...drawChange(random, nowMs) } : change };
    }
  }
}

/** What a command answers, as far as the log can confirm it. */
export interface Answer {
  readonly revision: bigint;
  readonly position?: string;
  readonly changed: boolean;
  readonly deployed?: Deployed;
  readonly version?: number;
}

interface Deployed {
  readonly environment: string;
  readonly version: number;
  readonly number: number;
  readonly deploymentId: string;
}
const deployedIn = ({ environment, version, number, deploymentId }: Deployed): Deployed => ({
  environment,
  version,
  number,
  deploymentId,
});

/** Gives the order to a ledger. `call` is recorded with the events, so that the log tells which attempt wrote them. */
export async function give(ledger: Ledger, order: Order, call: string, signal?: AbortSignal): Promise<Answer> {
  const { project, step, commandId, expectedRevision, dryRun, reason } = order;
  const given = {
    project,
    correlationId: call,
    dryRun,
    ...(reason !== undefined && { reason }),
    ...(commandId !== undefined && { commandId }),
    ...(expectedRevision !== undefined && { expectedRevision }),
    ...(signal && { signal }),
  };
  const told = ({ revision, position }: { readonly revision: bigint; readonly position?: string }) => ({
    revision,
    changed: !dryRun,
    ...(position !== undefined && { position }),
  });
  switch (step.do) {
    case "train": {
      const { algorithm, metrics, auto } = step;
      const task = "classification";
      const result = await ledger.recordTraining({ ...given, task, algorithm, metrics, automaticDeploy: auto });
      const { deployment, version } = result;
      return { ...told(result), version, ...(deployment && { deployed: deployedIn(deployment) }) };
    }
    case "deploy": {
      const { strategy, algorithm, steps, toNumber, environment, force } = step;
      const options = {
        strategy,
        environment,
        force,
        ...(algorithm !== undefined && { algorithm }),
        ...(steps !== undefined && { steps }),
        ...(toNumber !== undefined && { toNumber }),
      };
      const result = await ledger.deploy({ ...given, ...options });
      return { ...told(result), deployed: deployedIn(result) };
    }
    case "specific": {
      const { version, environment, force } = step;
      const result = await ledger.deploy({ ...given, model: version, environment, force });
      return { ...told(result), deployed: deployedIn(result) };
    }
    case "promote": {
      const { from, to, force } = step;
      const result = await ledger.promote({ ...given, from, to, force });
      return { ...told(result), deployed: deployedIn(result) };
    }
    case "retire": {
      const result = await ledger.retireModel({ ...given, model: step.version });
      return { ...told(result), version: result.version };
    }
    case "reinstate": {
      const result = await ledger.reinstateModel({ ...given, model: step.version });
      return { ...told(result), changed: result.changed && !dryRun, version: result.version };
    }
    case "policy":
      return told(await ledger.setPolicy({ ...given, policy: step.change }));
  }
}

/** An order in one line of a trace. */
export function describeOrder({ step, commandId, expectedRevision, dryRun, reason, project }: Order): string {
  const { do: what, ...rest } = step;
  const details = Object.entries(rest).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${typeof value === "object" ? JSON.stringify(value) : value}`],
  );
  const options = [
    commandId === undefined ? [] : [`commandId=${commandId}`],
    expectedRevision === undefined ? [] : [`expecting=${expectedRevision}`],
    dryRun ? ["dry run"] : [],
    reason === undefined ? ["without a reason"] : [],
  ].flat();
  return [what, project, ...details, ...options].join(" ");
}
