import type { z } from "zod";
import { ActiveModelInput, FollowInput, ReadInput, SubscribeInput, TimelineInput, VerifyInput } from "../api/inputs.ts";
import type {
  ActiveModelOptions,
  CheckpointOptions,
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
  SubscribeOptions,
  TimelineOptions,
  VerifyOptions,
} from "../api/ledger.ts";
import { projectPath } from "../api/project-path.ts";
import { leavable } from "../api/subscription.ts";
import { ActiveModelsFilter } from "../audit/active-models.ts";
import { ExplainInput } from "../audit/explain.ts";
import { ExplainTrainingInput } from "../audit/explain-training.ts";
import type { Explanation, TrainingExplanation } from "../audit/explanation.ts";
import type { Imported } from "../audit/import.ts";
import type { SignedCheckpoint } from "../audit/sign-checkpoint.ts";
import type { TimelineEntry } from "../audit/timeline.ts";
import type { Verification } from "../audit/verify.ts";
import { validated } from "../domain/commands.ts";
import type { WhatIf } from "../domain/what-if.ts";
import { LedgerError } from "../errors.ts";
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
import type { Rows } from "../ledger/rows.ts";
import { systemRuntime } from "../runtime.ts";
import { HttpClient, type Query } from "./http-client.ts";
import { noSubscriptions, notOverHttp, noWebhooks } from "./not-over-http.ts";
import { RemoteCommands } from "./remote-commands.ts";
import { RemoteFeed } from "./remote-feed.ts";
import { RemoteFollower } from "./remote-follower.ts";
import { rowsOf } from "./remote-rows.ts";
import {
  type Sent,
  type SentExplanation,
  type SentSummary,
  type SentVerification,
  stretchOf,
  summaryOf,
  withRevision,
} from "./revive.ts";

const nameOf = (project: string): string => validated(ProjectName, project, "project name");
const waiting = ({ minPosition }: { readonly minPosition?: string | undefined }): Query => ({
  min_position: minPosition,
});

/** A ledger behind a service: the same answers and the same errors as from the ledger itself. */
export class RemoteLedger extends RemoteCommands implements Ledger {
  readonly subscriptions: DurableSubscriptions;
  readonly webhooks: LedgerWebhooks;
  readonly #closing = new AbortController();
  readonly #followers = new Set<RemoteFollower>();

  constructor(url: URL, { token, actor, runtime = systemRuntime() }: LedgerOptions) {
    super(new HttpClient(url, token, runtime), runtime, actor ?? (token === undefined ? runtime.actor : undefined));
    this.subscriptions = noSubscriptions(this.address);
    this.webhooks = noWebhooks(this.address);
  }

  get address(): string {
    return this.client.address;
  }

  /** @throws {LedgerError} STORE_UNAVAILABLE when nobody answers there. */
  async check(): Promise<void> {
    await this.client.json("GET", "/healthz");
  }

  async activeModel(project: string, options: ActiveModelOptions = {}): Promise<ActiveModel | undefined> {
    const { environment, at: moment, by, minPosition, signal } = validated(ActiveModelInput, options, "query");
    const name = nameOf(project);
    const query = { environment, at: momentText(moment), by, ...waiting({ minPosition }) };
    try {
      const sent = await this.client.json<Sent<ActiveModel>>("GET", `${projectPath(name)}/active`, { query, signal });
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
    return rowsOf(this.client, "/v1/active", query, { limit, signal }, withRevision<ActiveModel>);
  }

  async project(project: string, options: ReadOptions = {}): Promise<ProjectSummary> {
    const { signal, ...rest } = validated(ReadInput, options, "query");
    const sent = await this.client.json<SentSummary>("GET", projectPath(nameOf(project)), {
      query: waiting(rest),
      signal,
    });
    return summaryOf(sent);
  }

  projects(options: ReadOptions = {}): Rows<ProjectSummary> {
    const { signal, ...rest } = validated(ReadInput, options, "query");
    return rowsOf(this.client, "/v1/projects", waiting(rest), { signal }, summaryOf);
  }

  models(project: string, filter: ModelsFilter = {}): Rows<ModelEntry> {
    const { limit, signal, minPosition, ...rest } = validated(ModelsFilter, filter, "filter");
    const query = { ...rest, ...waiting({ minPosition }) };
    return rowsOf(
      this.client,
      `${projectPath(nameOf(project))}/models`,
      query,
      { limit, signal },
      withRevision<ModelEntry>,
    );
  }

  leaderboard(project: string, filter: LeaderboardFilter = {}): Rows<LeaderboardEntry> {
    const { limit, signal, minPosition, ...rest } = validated(LeaderboardFilter, filter, "filter");
    const query = { ...rest, ...waiting({ minPosition }) };
    return rowsOf(
      this.client,
      `${projectPath(nameOf(project))}/leaderboard`,
      query,
      { limit, signal },
      (row: LeaderboardEntry) => row,
    );
  }

  deployments(filter: DeploymentsFilter = {}): Rows<Deployment> {
    const { limit, signal, minPosition, ...rest } = validated(DeploymentsFilter, filter, "filter");
    const query = { ...rest, ...waiting({ minPosition }) };
    return rowsOf(this.client, "/v1/deployments", query, { limit, signal }, withRevision<Deployment>);
  }

  async timeline(project: string, options: TimelineOptions = {}): Promise<readonly TimelineEntry[]> {
    const { signal, minPosition, ...rest } = validated(TimelineInput, options, "query");
    const query = { ...rest, ...waiting({ minPosition }) };
    return rowsOf(this.client, `${projectPath(nameOf(project))}/timeline`, query, { signal }, stretchOf);
  }

  explain(input: ExplainOptions): Promise<Explanation>;
  explain(input: ExplainTrainingOptions): Promise<TrainingExplanation>;
  async explain(input: ExplainOptions | ExplainTrainingOptions): Promise<Explanation | TrainingExplanation> {
    // Untyped callers give anything: what is no object is refused below.
    const fields: object = Object(input);
    if ("version" in fields || "modelId" in fields) {
      const { project, version, modelId, signal, ...rest } = validated(ExplainTrainingInput, input, "query");
      const path = `${projectPath(project)}/models/${version ?? modelId}/explanation`;
      return this.client.json<TrainingExplanation>("GET", path, { query: waiting(rest), signal });
    }
    const { project, number, deploymentId, environment, signal, ...rest } = validated(ExplainInput, input, "query");
    const path = `${projectPath(project)}/deployments/${number ?? deploymentId}/explanation`;
    const query = { environment, ...waiting(rest) };
    const sent = await this.client.json<SentExplanation>("GET", path, { query, signal });
    return { ...sent, deployment: withRevision<Deployment>(sent.deployment) };
  }

  subscribe(options: SubscribeOptions = {}): AsyncIterable<RecordedEvent> {
    const { from, project, types, signal } = validated(SubscribeInput, options, "subscription");
    const ends = signal ? [signal, this.#closing.signal] : [this.#closing.signal];
    const begin = () => {
      const leaving = new AbortController();
      const ended = AbortSignal.any([...ends, leaving.signal]);
      const feed = new RemoteFeed(this.client, this.runtime, { from, project, types, signal: ended });
      return { feed, iterator: leavable(feed.events(), leaving) };
    };
    if (from !== "end") return { [Symbol.asyncIterator]: () => begin().iterator };
    // "end" means now, not when the first event is asked for.
    const { feed, iterator } = begin();
    feed.begin().catch(() => undefined);
    return { [Symbol.asyncIterator]: () => iterator };
  }

  async follow(project: string, options: FollowOptions = {}): Promise<Follower> {
    const { environment } = validated(FollowInput, options, "query");
    const name = nameOf(project);
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#closing.signal]);
    const follower = new RemoteFollower({
      project: name,
      environment,
      runtime: this.runtime,
      stop,
      feed: (told) =>
        new RemoteFeed(this.client, this.runtime, {
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
    if (checkpoint !== undefined) return notOverHttp(this.address, "to verify against a checkpoint");
    const query = { project, ...waiting(rest) };
    const sent = await this.client.json<SentVerification>("GET", "/v1/verify", { query, signal });
    onProgress?.(sent.events);
    const { firstBroken, ...verification } = sent;
    if (firstBroken === undefined) return verification;
    return { ...verification, firstBroken: withRevision<NonNullable<Verification["firstBroken"]>>(firstBroken) };
  }

  async checkpoint(_: CheckpointOptions): Promise<SignedCheckpoint> {
    return notOverHttp(this.address, "to sign a checkpoint");
  }

  async whatIf(): Promise<WhatIf> {
    return notOverHttp(this.address, "whatIf");
  }

  async proveInclusion(): Promise<string> {
    return notOverHttp(this.address, "proveInclusion");
  }

  async proveConsistency(): Promise<string> {
    return notOverHttp(this.address, "proveConsistency");
  }

  async receipt(): Promise<string> {
    return notOverHttp(this.address, "receipt");
  }

  export(_: ExportOptions = {}): AsyncIterable<string> {
    return notOverHttp(this.address, "an export");
  }

  async import(_: () => AsyncIterable<string>, __: ImportOptions = {}): Promise<Imported> {
    return notOverHttp(this.address, "an import");
  }

  async close(): Promise<void> {
    await Promise.all([...this.#followers].map((follower) => follower.close()));
    this.#closing.abort();
    await this.client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

type Moment = z.output<typeof ActiveModelInput>["at"];

function momentText(moment: Moment): string | undefined {
  if (moment === undefined) return undefined;
  if ("time" in moment) return moment.time;
  return "revision" in moment ? `revision:${moment.revision}` : `position:${moment.position}`;
}
