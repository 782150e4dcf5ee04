import type { z } from "zod";
import { indexOfId, itemAt } from "../../projections/paged-list.ts";
import type { ProjectState } from "../../projections/project.ts";
import { COMMAND_INPUTS, type CommandType, validated } from "../domain/commands.ts";
import { policyInForce } from "../domain/policy.ts";
import { LedgerError } from "../errors.ts";
import type { EventType, PolicyData } from "../events/events.ts";
import type { CommandPath, Executed } from "../ledger/command-path.ts";
import {
  type DeploymentResult,
  deploymentOf,
  type EventOf,
  type PolicyResult,
  type RetirementResult,
  type TrainingResult,
  trainingOf,
} from "../ledger/results.ts";
import { RollbackFields, WithSignal } from "./inputs.ts";
import type {
  DeployInput,
  Ledger,
  PromoteInput,
  RecordTrainingInput,
  ReinstateModelInput,
  RetireModelInput,
  RollbackInput,
  SetPolicyInput,
} from "./ledger.ts";

type CommandNames =
  | "recordTraining"
  | "deploy"
  | "rollback"
  | "promote"
  | "retireModel"
  | "reinstateModel"
  | "setPolicy";

/** From what a caller asks to the command path, and from the events that it wrote to the answer. */
export class Commands implements Pick<Ledger, CommandNames> {
  readonly #path: CommandPath;
  readonly #defaults: PolicyData;

  constructor(path: CommandPath, defaults: PolicyData) {
    this.#path = path;
    this.#defaults = defaults;
  }

  async recordTraining(input: RecordTrainingInput): Promise<TrainingResult> {
    const { executed, written } = await this.#execute("RecordTraining", input, "training");
    const deployment = eventOf(executed, "ModelDeployed");
    return { ...written, ...trainingOf(expectEvent(executed, "ModelTrained"), deployment) };
  }

  async deploy(input: DeployInput): Promise<DeploymentResult> {
    const { executed, written } = await this.#execute("Deploy", input, "deployment");
    return { ...written, ...deploymentOf(expectEvent(executed, "ModelDeployed")) };
  }

  async rollback(input: RollbackInput): Promise<DeploymentResult> {
    validated(RollbackFields, input, "rollback");
    return this.deploy({ ...input, strategy: "rollback" });
  }

  async promote(input: PromoteInput): Promise<DeploymentResult> {
    const { executed, written } = await this.#execute("Promote", input, "promotion");
    return { ...written, ...deploymentOf(expectEvent(executed, "ModelDeployed")) };
  }

  async retireModel(input: RetireModelInput): Promise<RetirementResult> {
    const { executed, written } = await this.#execute("RetireModel", input, "retirement");
    const { modelId, version, activeIn: environments } = expectEvent(executed, "ModelRetired").data;
    return { ...written, modelId, version, retired: true, changed: true, activeIn: environments };
  }

  async reinstateModel(input: ReinstateModelInput): Promise<RetirementResult> {
    const { command, executed, written } = await this.#execute("ReinstateModel", input, "reinstatement");
    const event = eventOf(executed, "ModelReinstated");
    const { state } = executed;
    const version = event?.data.version ?? versionIn(state, command.model);
    const modelId = event?.data.modelId ?? itemAt(state.models, version - 1)?.id ?? "";
    const environments = Object.values(state.active.environments).filter((active) => active.version === version);
    return {
      ...written,
      modelId,
      version,
      retired: false,
      changed: event !== undefined,
      activeIn: environments.map((active) => active.environment),
    };
  }

  async setPolicy(input: SetPolicyInput): Promise<PolicyResult> {
    const { executed, written } = await this.#execute("SetPolicy", input, "policy");
    const { policy } = expectEvent(executed, "PolicySet").data;
    return { ...written, policy: policyInForce(policy, this.#defaults, executed.state.task) };
  }

  async #execute<Type extends CommandType>(type: Type, input: z.input<(typeof COMMAND_INPUTS)[Type]>, what: string) {
    const { signal, ...rest } = validated(WithSignal, input, what);
    const command = { type, ...(validated(COMMAND_INPUTS[type], rest, what) as object) } as Extract<
      Parameters<CommandPath["execute"]>[0],
      { readonly type: Type }
    >;
    const executed = await this.#path.execute(command, signal);
    const written = {
      project: command.project,
      revision: executed.revision,
      ...(executed.position !== undefined && { position: executed.position }),
      ...(command.dryRun && { dryRun: true as const }),
    };
    return { command, executed, written };
  }
}

function versionIn(state: ProjectState, model: string | number): number {
  return typeof model === "number" ? model : indexOfId(state.models, model) + 1;
}

function eventOf<Type extends EventType>({ events }: Executed, type: Type): EventOf<Type> | undefined {
  return events.find((event): event is EventOf<Type> => event.type === type);
}

function expectEvent<Type extends EventType>(executed: Executed, type: Type): EventOf<Type> {
  const event = eventOf(executed, type);
  if (event) return event;
  throw new LedgerError("CORRUPT", `the log has no ${type} where this command must have written one`, { type });
}
