import type { z } from "zod";
import {
  ActiveModelInput,
  FollowInput,
  ReadInput,
  RollbackFields,
  SubscribeInput,
  TimelineInput,
  VerifyInput,
  WithSignal,
} from "../api/inputs.ts";
import type {
  ActiveModelOptions,
  CheckpointOptions,
  DeployInput,
  DurableSubscriptions,
  ExplainOptions,
  ExplainTrainingOptions,
  ExportOptions,
  Follower,
  FollowOptions,
  ImportOptions,
  Ledger,
  LedgerOptions,
  LedgerWebhooks,
  PromoteInput,
  RecordTrainingInput,
  ReinstateModelInput,
  RetireModelInput,
  RollbackInput,
  SetPolicyInput,
  SubscribeOptions,
  TimelineOptions,
  VerifyOptions,
} from "../api/ledger.ts";
import { projectPath } from "../api/project-path.ts";
import { ActiveModelsFilter } from "../audit/active-models.ts";
import { ExplainInput } from "../audit/explain.ts";
import { ExplainTrainingInput } from "../audit/explain-training.ts";
import type { Explanation, TrainingExplanation } from "../audit/explanation.ts";
import type { Imported } from "../audit/import.ts";
import type { SignedCheckpoint } from "../audit/sign-checkpoint.ts";
import type { TimelineEntry } from "../audit/timeline.ts";
import type { Verification } from "../audit/verify.ts";
import { COMMAND_INPUTS, type CommandType, validated } from "../domain/commands.ts";
import type { WhatIf } from "../domain/what-if.ts";
import { LedgerError, refuseAborted } from "../errors.ts";
import type { RecordedEvent } from "../events/events.ts";
import { ProjectName } from "../events/names.ts";
import type { ActiveModel } from "../ledger/active-model.ts";
import { type Deployment, DeploymentsFilter } from "../ledger/deployments.ts";
import type { ReadOptions } from "../ledger/positions.ts";
import {
  type LeaderboardEntry,
  LeaderboardFilter,
  type ModelEntry,
  ModelsFilter,
  type ProjectSummary,
} from "../ledger/queries.ts";
import type { DeploymentResult, PolicyResult, RetirementResult, TrainingResult } from "../ledger/results.ts";
import { Rows } from "../ledger/rows.ts";
import { type Runtime, systemRuntime } from "../runtime.ts";
import { HttpClient, type Query } from "./http-client.ts";
import { RemoteFeed } from "./remote-feed.ts";
import { RemoteFollower } from "./remote-follower.ts";
import { type Sent, withRevision } from "./revive.ts";

const MAX_PAGE = 1_000;

interface Page<Row> {
  readonly items: readonly Row[];
  readonly next?: string;
}

const nameOf = (project: string): string => validated(ProjectName, project, "project name");
const waiting = ({ minPosition }: { readonly minPosition?: string | undefined }): Query => ({
  min_position: minPosition,
});

/** A ledger behind a service: the same answers and the same errors as from the ledger itself. */
export class RemoteLedger implements Ledger {
  readonly subscriptions: DurableSubscriptions;
  readonly webhooks: LedgerWebhooks;
  readonly #client: HttpClient;
  readonly #runtime: Runtime;
  /** Who gives the commands that name no actor; with a token that is the service's business. */
  readonly #actor: string | undefined;
  readonly #closing = new AbortController();
  readonly #followers = new Set<RemoteFollower>();

  constructor(url: URL, { token, actor, runtime = systemRuntime() }: LedgerOptions) {
    this.#client = new HttpClient(url, token, runtime);
    this.#runtime = runtime;
    this.#actor = actor ?? (token === undefined ? runtime.actor : undefined);
    const refuse = async (): Promise<never> => this.#refuse("durable subscriptions");
    this.subscriptions = {
      run: refuse,
      list: refuse,
      parked: refuse,
      retryParked: refuse,
      dropParked: refuse,
      remove: refuse,
    };
    const refuseHook = async (): Promise<never> => this.#refuse("webhooks");
    this.webhooks = {
      add: refuseHook,
      list: refuseHook,
      remove: refuseHook,
      deliveries: () => this.#refuse("webhooks"),
      redeliver: () => this.#refuse("webhooks"),
      run: refuseHook,
    };
  }

  get address(): string {
    return this.#client.address;
  }

  /** @throws {LedgerError} STORE_UNAVAILABLE when nobody answers there. */
  async check(): Promise<void> {
    await this.#client.json("GET", "/healthz");
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

  async activeModel(project: string, options: ActiveModelOptions = {}): Promise<ActiveModel | undefined> {
    const { environment, at: moment, by, minPosition, signal } = validated(ActiveModelInput, options, "query");
    const name = nameOf(project);
    const query = { environment, at: momentText(moment), by, ...waiting({ minPosition }) };
    try {
      const sent = await this.#client.json<Sent<ActiveModel>>("GET", `${projectPath(name)}/active`, { query, signal });
      return withRevision<ActiveModel>(sent);
    } catch (error) {
      const isNothing = error instanceof LedgerError && /^(NO_ACTIVE_MODEL|PROJECT_NOT_FOUND)$/.test(error.code);
      if (isNothing) return undefined;
      throw error;
    }
  }

  activeModels(filter: ActiveModelsFilter = {}): Rows<ActiveModel> {
    const { limit, signal, minPosition, at: moment, ...rest } = validated(ActiveModelsFilter, filter, "filter");
    const query = { ...rest, at: momentText(moment), ...waiting({ minPosition }) };
    return this.#rows("/v1/active", query, { limit, signal }, withRevision<ActiveModel>);
  }

  async project(project: string, options: ReadOptions = {}): Promise<ProjectSummary> {
    const { signal, ...rest } = validated(ReadInput, options, "query");
    const sent = await this.#client.json<SentSummary>("GET", projectPath(nameOf(project)), {
      query: waiting(rest),
      signal,
    });
    return summaryOf(sent);
  }

  projects(options: ReadOptions = {}): Rows<ProjectSummary> {
    const { signal, ...rest } = validated(ReadInput, options, "query");
    return this.#rows("/v1/projects", waiting(rest), { signal }, summaryOf);
  }

  models(project: string, filter: ModelsFilter = {}): Rows<ModelEntry> {
    const { limit, signal, minPosition, ...rest } = validated(ModelsFilter, filter, "filter");
    const query = { ...rest, ...waiting({ minPosition }) };
    return this.#rows(`${projectPath(nameOf(project))}/models`, query, { limit, signal }, withRevision<ModelEntry>);
  }

  leaderboard(project: string, filter: LeaderboardFilter = {}): Rows<LeaderboardEntry> {
    const { limit, signal, minPosition, ...rest } = validated(LeaderboardFilter, filter, "filter");
    const query = { ...rest, ...waiting({ minPosition }) };
    return this.#rows(
      `${projectPath(nameOf(project))}/leaderboard`,
      query,
      { limit, signal },
      (row: LeaderboardEntry) => row,
    );
  }

  deployments(filter: DeploymentsFilter = {}): Rows<Deployment> {
    const { limit, signal, minPosition, ...rest } = validated(DeploymentsFilter, filter, "filter");
    const query = { ...rest, ...waiting({ minPosition }) };
    return this.#rows("/v1/deployments", query, { limit, signal }, withRevision<Deployment>);
  }

  async timeline(project: string, options: TimelineOptions = {}): Promise<readonly TimelineEntry[]> {
    const { signal, minPosition, ...rest } = validated(TimelineInput, options, "query");
    const query = { ...rest, ...waiting({ minPosition }) };
    return this.#rows(`${projectPath(nameOf(project))}/timeline`, query, { signal }, stretchOf);
  }

  explain(input: ExplainOptions): Promise<Explanation>;
  explain(input: ExplainTrainingOptions): Promise<TrainingExplanation>;
  async explain(input: ExplainOptions | ExplainTrainingOptions): Promise<Explanation | TrainingExplanation> {
    // Untyped callers give anything: what is no object is refused below.
    const fields: object = Object(input);
    if ("version" in fields || "modelId" in fields) {
      const { project, version, modelId, signal, ...rest } = validated(ExplainTrainingInput, input, "query");
      const path = `${projectPath(project)}/models/${version ?? modelId}/explanation`;
      return this.#client.json<TrainingExplanation>("GET", path, { query: waiting(rest), signal });
    }
    const { project, number, deploymentId, environment, signal, ...rest } = validated(ExplainInput, input, "query");
    const path = `${projectPath(project)}/deployments/${number ?? deploymentId}/explanation`;
    const query = { environment, ...waiting(rest) };
    const sent = await this.#client.json<SentExplanation>("GET", path, { query, signal });
    return { ...sent, deployment: withRevision<Deployment>(sent.deployment) };
  }

  subscribe(options: SubscribeOptions = {}): AsyncIterable<RecordedEvent> {
    const { from, project, types, signal } = validated(SubscribeInput, options, "subscription");
    const ended = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    const feed = () => new RemoteFeed(this.#client, this.#runtime, { from, project, types, signal: ended });
    if (from !== "end") return { [Symbol.asyncIterator]: () => feed().events() };
    // "end" means now, not when the first event is asked for.
    const begun = feed();
    begun.begin().catch(() => undefined);
    return begun.events();
  }

  async follow(project: string, options: FollowOptions = {}): Promise<Follower> {
    const { environment } = validated(FollowInput, options, "query");
    const name = nameOf(project);
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#closing.signal]);
    const follower = new RemoteFollower({
      project: name,
      environment,
      runtime: this.#runtime,
      stop,
      feed: (told) =>
        new RemoteFeed(this.#client, this.#runtime, {
          from: "end",
          project: name,
          types: ["ModelDeployed"],
          signal,
          ...told,
        }),
      activeAt: (where) => this.activeModel(name, { environment, ...where, signal }),
      onClosed: (closed) => this.#followers.delete(closed),
    });
    await follower.start();
    this.#followers.add(follower);
    return follower;
  }

  async verify(options: VerifyOptions = {}): Promise<Verification> {
    const { project, signal, onProgress, checkpoint, ...rest } = validated(VerifyInput, options, "query");
    if (checkpoint !== undefined) return this.#refuse("to verify against a checkpoint");
    const query = { project, ...waiting(rest) };
    const sent = await this.#client.json<SentVerification>("GET", "/v1/verify", { query, signal });
    onProgress?.(sent.events);
    const { firstBroken, ...verification } = sent;
    if (firstBroken === undefined) return verification;
    return { ...verification, firstBroken: withRevision<NonNullable<Verification["firstBroken"]>>(firstBroken) };
  }

  async checkpoint(_: CheckpointOptions): Promise<SignedCheckpoint> {
    return this.#refuse("to sign a checkpoint");
  }

  async whatIf(): Promise<WhatIf> {
    return this.#refuse("whatIf");
  }

  async proveInclusion(): Promise<string> {
    return this.#refuse("proveInclusion");
  }

  async proveConsistency(): Promise<string> {
    return this.#refuse("proveConsistency");
  }

  async receipt(): Promise<string> {
    return this.#refuse("receipt");
  }

  export(_: ExportOptions = {}): AsyncIterable<string> {
    return this.#refuse("an export");
  }

  async import(_: () => AsyncIterable<string>, __: ImportOptions = {}): Promise<Imported> {
    return this.#refuse("an import");
  }

  async close(): Promise<void> {
    await Promise.all([...this.#followers].map((follower) => follower.close()));
    this.#closing.abort();
    await this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #refuse(what: string): never {
    throw new LedgerError("INVALID_INPUT", `${what}: not over HTTP; open the store behind ${this.address} for it`, {
      address: this.address,
    });
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
      commandId: this.#runtime.newId(),
      ...withoutUndefined(fields),
      ...("expectedRevision" in fields && { expectedRevision: sentRevision(fields.expectedRevision) }),
    };
    const sent = await this.#client.json<Sent<Result>>(method, pathOf({ project, model }), { body, signal });
    return withRevision<Result>(sent as Parameters<typeof withRevision<Result>>[0]);
  }

  #rows<SentRow, Row>(
    path: string,
    query: object,
    { limit, signal }: { readonly limit?: number | undefined; readonly signal?: AbortSignal | undefined },
    revive: (sent: SentRow) => Row,
  ): Rows<Row> {
    const client = this.#client;
    async function* pages(): AsyncGenerator<Row> {
      let left = limit ?? Number.POSITIVE_INFINITY;
      let cursor: string | undefined;
      do {
        const asked: Query = { ...(query as Query), limit: Math.min(left, MAX_PAGE) };
        const place = cursor === undefined ? {} : { cursor };
        const page = await client.json<Page<SentRow>>("GET", path, { query: { ...asked, ...place }, signal });
        for (const item of page.items) {
          refuseAborted(signal);
          yield revive(item);
        }
        left -= page.items.length;
        cursor = page.next;
      } while (cursor !== undefined && left > 0);
    }
    return new Rows(pages);
  }
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

type Moment = z.output<typeof ActiveModelInput>["at"];

function momentText(moment: Moment): string | undefined {
  if (moment === undefined) return undefined;
  if ("time" in moment) return moment.time;
  return "revision" in moment ? `revision:${moment.revision}` : `position:${moment.position}`;
}

type SentSummary = Omit<Sent<ProjectSummary>, "active"> & { readonly active: readonly Sent<ActiveModel>[] };
type SentExplanation = Omit<Explanation, "deployment"> & { readonly deployment: Sent<Deployment> };
type SentStretch = Omit<TimelineEntry, "deployment"> & { readonly deployment: Sent<TimelineEntry["deployment"]> };
type SentVerification = Omit<Verification, "firstBroken"> & {
  readonly firstBroken?: Sent<NonNullable<Verification["firstBroken"]>>;
};

function summaryOf(sent: SentSummary): ProjectSummary {
  // The same names in the same order as they came.
  const active = sent.active.map((one) => withRevision<ActiveModel>(one));
  return { ...sent, active, revision: BigInt(sent.revision) };
}

const stretchOf = (sent: SentStretch): TimelineEntry => ({
  ...sent,
  deployment: withRevision<TimelineEntry["deployment"]>(sent.deployment),
});
