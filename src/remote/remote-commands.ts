import type { z } from "zod";
import type { Commands } from "../api/commands.ts";
import { RollbackFields, WithSignal } from "../api/inputs.ts";
import type {
  DeployInput,
  PromoteInput,
  RecordTrainingInput,
  ReinstateModelInput,
  RetireModelInput,
  RollbackInput,
  SetPolicyInput,
} from "../api/ledger.ts";
import { projectPath } from "../api/project-path.ts";
import { COMMAND_INPUTS, type CommandType, validated } from "../domain/commands.ts";
import { LedgerError, refuseAborted } from "../errors.ts";
import type { DeploymentResult, PolicyResult, RetirementResult, TrainingResult } from "../ledger/results.ts";
import type { Runtime } from "../runtime.ts";
import type { HttpClient } from "./http-client.ts";
import { type Sent, withRevision } from "./revive.ts";

/** Commands as the service takes them: checked here, then sent under an id that lets them be sent again. */
export class RemoteCommands implements Pick<Commands, keyof Commands> {
  protected readonly client: HttpClient;
  protected readonly runtime: Runtime;
  /** Who gives the commands that name no actor; with a token that is the service's business. */
  readonly #actor: string | undefined;

  constructor(client: HttpClient, runtime: Runtime, actor: string | undefined) {
    this.client = client;
    this.runtime = runtime;
    this.#actor = actor;
  }

  async recordTraining(input: RecordTrainingInput): Promise<TrainingResult> {
    return this.#command(
      "RecordTraining",
      input,
      "training",
      "POST",
      ({ project }) => `${projectPath(project)}/models`,
    );
  }

  async deploy(input: DeployInput): Promise<DeploymentResult> {
    return this.#command("Deploy", input, "deployment", "POST", ({ project }) => `${projectPath(project)}/deployments`);
  }

  async rollback(input: RollbackInput): Promise<DeploymentResult> {
    validated(RollbackFields, input, "rollback");
    return this.deploy({ ...input, strategy: "rollback" });
  }

  async promote(input: PromoteInput): Promise<DeploymentResult> {
    return this.#command("Promote", input, "promotion", "POST", ({ project }) => `${projectPath(project)}/promotions`);
  }

  async retireModel(input: RetireModelInput): Promise<RetirementResult> {
    return this.#command("RetireModel", input, "retirement", "POST", retirementOf);
  }

  async reinstateModel(input: ReinstateModelInput): Promise<RetirementResult> {
    return this.#command("ReinstateModel", input, "reinstatement", "DELETE", retirementOf);
  }

  async setPolicy(input: SetPolicyInput): Promise<PolicyResult> {
    return this.#command("SetPolicy", input, "policy", "PUT", ({ project }) => `${projectPath(project)}/policy`);
  }

  async #command<Type extends CommandType, Result extends { readonly revision: bigint }>(
    type: Type,
    input: z.input<(typeof COMMAND_INPUTS)[Type]> & { readonly signal?: AbortSignal },
    what: string,
    method: string,
    pathOf: (command: PathFields) => string,
  ): Promise<Result> {
    const { signal, ...rest } = validated(WithSignal, input, what);
    // The same schema as the ledger's own: a wrong input is refused in the same words, before it travels.
    const { project, model } = validated(COMMAND_INPUTS[type], rest, what) as PathFields;
    refuseAborted(signal, "the command was aborted before it was sent");
    const { project: _, ...fields } = rest as Readonly<Record<string, unknown>>;
    if (type === "RetireModel" || type === "ReinstateModel") delete (fields as { model?: unknown }).model;
    const body = {
      ...(this.#actor !== undefined && { actor: this.#actor }),
      // With an id of its own it can be sent again when the answer is lost.
      commandId: this.runtime.newId(),
      ...withoutUndefined(fields),
      ...("expectedRevision" in fields && { expectedRevision: sentRevision(fields.expectedRevision) }),
    };
    try {
      const sent = await this.client.json<Sent<Result>>(method, pathOf({ project, model }), { body, signal });
      return withRevision<Result>(sent as Parameters<typeof withRevision<Result>>[0]);
    } catch (error) {
      throw error instanceof LedgerError && error.code === "ABORTED" ? abortedUnderWay(error, body.commandId) : error;
    }
  }
}

/** Its sender no longer waits for the answer, but the service may have got it. */
function abortedUnderWay({ cause }: LedgerError, commandId: unknown): LedgerError {
  const message = `the command was aborted on its way and may have been written: repeat it with commandId "${commandId}"`;
  return new LedgerError("ABORTED", message, { commandId }, { cause });
}

interface PathFields {
  readonly project: string;
  readonly model?: string | number | undefined;
}

const retirementOf = ({ project, model }: PathFields): string => `${projectPath(project)}/models/${model}/retirement`;

/** What is given as undefined is not given. */
function withoutUndefined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const sentRevision = (revision: unknown): unknown => (typeof revision === "bigint" ? String(revision) : revision);
