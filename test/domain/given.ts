import { expect } from "vitest";
import type { FoldedEvent } from "../../projections/active-models.ts";
import { evolveProject, initialProject, type ProjectState } from "../../projections/project.ts";
import { COMMAND_INPUTS, type Command, type CommandType, validated } from "../../src/domain/commands.ts";
import { decide } from "../../src/domain/decide.ts";
import type { Outcome } from "../../src/domain/outcome.ts";
import type { LedgerErrorCode } from "../../src/errors.ts";
import type { LedgerEvent, ModelDeployedData, PolicyData } from "../../src/events/events.ts";

/** The language of the specs: `given(what happened).when(what is asked).then…`. Time and ids are made up here. */
export const P = "Digits";

type Fields = Readonly<Record<string, unknown>>;
export interface Asked {
  readonly type: CommandType;
  readonly input: Fields;
}

const asked = (type: CommandType, input: Fields): Asked => ({ type, input: { project: P, ...input } });
/** A training; algorithm and score, with whatever else is said. */
export const train = (algorithm: string, f1?: number, more: Fields = {}): Asked =>
  asked("RecordTraining", {
    task: "classification",
    algorithm,
    metrics: f1 === undefined ? {} : { f1 },
    ...more,
  });
/** A training that does not deploy. */
export const shelved = (algorithm: string, f1?: number, more: Fields = {}): Asked =>
  train(algorithm, f1, { automaticDeploy: false, ...more });
/** Three models that did not deploy, with different scores. */
export const A = shelved("linear", 0.8);
export const B = shelved("svm", 0.9);
export const C = shelved("knn", 0.7);
/** For a metric that is better when lower. */
export const latency = (milliseconds: number, more: object = {}) =>
  train("tree", 0, { metrics: { latency: milliseconds }, ...more });
export const deploy = (more: Fields = {}): Asked => asked("Deploy", more);
export const deployed = (version: number, more: Fields = {}): Asked => deploy({ model: version, force: true, ...more });
export const rollBack = (more: Fields = {}): Asked => deploy({ strategy: "rollback", ...more });
export const promote = (from: string, to: string, more: Fields = {}): Asked => asked("Promote", { from, to, ...more });
export const retire = (model: number): Asked => asked("RetireModel", { model, reason: "test" });
export const reinstate = (model: number): Asked => asked("ReinstateModel", { model, reason: "test" });
export const setPolicy = (policy: Fields, more: Fields = {}): Asked => asked("SetPolicy", { policy, ...more });

export const uuid = (number: number): string => `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`;
const timeOf = (number: number): string => new Date(Date.UTC(2026, 0, 1) + number * 1_000).toISOString();

/** A project in the making: each command is decided and, if it is accepted, folded. */
export class World {
  readonly state: ProjectState = initialProject();
  readonly events: LedgerEvent[] = [];
  /** The same, as they were folded. */
  readonly log: FoldedEvent[] = [];
  readonly defaults: PolicyData;
  #ids = 0;
  #reason: string | undefined;
  now = "";

  constructor(defaults: PolicyData = {}) {
    this.defaults = defaults;
  }

  decide({ type, input }: Asked): Outcome {
    const command = { type, ...(validated(COMMAND_INPUTS[type], input, type) as object) } as Command;
    this.#ids += 2;
    this.#reason = command.reason;
    const now = this.now || timeOf(this.#ids);
    return decide(command, this.state, {
      now,
      modelId: uuid(this.#ids),
      deploymentId: uuid(this.#ids + 1),
      defaults: this.defaults,
    });
  }

  fold(outcome: Outcome): void {
    if (!("events" in outcome)) return;
    for (const event of outcome.events) {
      this.events.push(event);
      const reason = this.#reason === undefined ? {} : { reason: this.#reason };
      const metadata = {
        recordedAt: timeOf(this.#ids),
        actor: "test",
        commandId: `c${this.#ids}`,
        hash: "",
        ...reason,
      };
      const folded = { ...event, metadata, revision: this.state.revision + 1 };
      this.log.push(folded);
      evolveProject(this.state, folded);
    }
  }
}

export function given(...history: readonly Asked[]) {
  const world = new World();
  for (const one of history) {
    const outcome = world.decide(one);
    if ("refusal" in outcome) throw new Error(`the history is refused: ${outcome.refusal.message}`);
    world.fold(outcome);
  }
  return {
    world,
    when(one: Asked, now = "") {
      world.now = now;
      const outcome = world.decide(one);
      const deployment = (): ModelDeployedData => {
        if ("refusal" in outcome) throw new Error(outcome.refusal.message);
        const found = outcome.events.find((event) => event.type === "ModelDeployed");
        if (found?.type !== "ModelDeployed") throw new Error("nothing was deployed");
        return found.data;
      };
      return {
        outcome,
        thenDeployed(version: number, more: Fields = {}) {
          expect(deployment()).toMatchObject({ version, ...more });
        },
        thenDeployedReplaying(version: number, number: number) {
          const events = world.events.filter((event) => event.type === "ModelDeployed").map((event) => event.data);
          const replayed = (events as ModelDeployedData[]).find((data) => data.number === number);
          expect(deployment()).toMatchObject({ version, replays: replayed?.deploymentId });
        },
        thenRecorded(outcomeOfTraining: "deployed" | "kept" | "off", because?: RegExp) {
          if ("refusal" in outcome) throw new Error(outcome.refusal.message);
          const [trained, ...rest] = outcome.events;
          if (trained?.type !== "ModelTrained") throw new Error("no training was recorded");
          expect(trained.data.automaticDeploy.outcome).toBe(outcomeOfTraining);
          if (because) expect(trained.data.automaticDeploy.because).toMatch(because);
          expect(rest).toHaveLength(outcomeOfTraining === "deployed" ? 1 : 0);
        },
        thenRefused(code: LedgerErrorCode, message?: RegExp) {
          if (!("refusal" in outcome)) throw new Error(`accepted: ${JSON.stringify(outcome.events)}`);
          expect(outcome.refusal.code).toBe(code);
          if (message) expect(outcome.refusal.message).toMatch(message);
        },
        thenNothing() {
          expect(outcome).toEqual({ events: [] });
        },
      };
    },
  };
}
