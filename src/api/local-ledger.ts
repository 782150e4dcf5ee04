import { z } from "zod";
import { evolveProject, initialProject, type ProjectState } from "../../projections/project.ts";
import { ActiveModelsFilter, activeModels } from "../audit/active-models.ts";
import { AsOf } from "../audit/as-of.ts";
import { ExplainInput, explain } from "../audit/explain.ts";
import { ExplainTrainingInput, explainTraining } from "../audit/explain-training.ts";
import type { Explanation, TrainingExplanation } from "../audit/explanation.ts";
import { exportLines } from "../audit/export.ts";
import { type Imported, importLines } from "../audit/import.ts";
import { proveConsistency, proveInclusion, receiptFor } from "../audit/prove.ts";
import { newCheckpoint, type SignedCheckpoint } from "../audit/sign-checkpoint.ts";
import { signerOf } from "../audit/signed-note.ts";
import { type TimelineEntry, timelineOf } from "../audit/timeline.ts";
import { type Verification, verifyChains } from "../audit/verify.ts";
import { COMMAND_INPUTS, type CommandType, ModelRef, validated } from "../domain/commands.ts";
import { policyInForce } from "../domain/policy.ts";
import { checkRule, type WhatIf, WhatIfReplay, WhatIfRule } from "../domain/what-if.ts";
import { LedgerError } from "../errors.ts";
import type { EventType, PolicyData, RecordedEvent } from "../events/events.ts";
import { Actor, DEFAULT_ENVIRONMENT, ProjectName, streamOf } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import { Across } from "../ledger/across.ts";
import { type ActiveModel, activeModelOf } from "../ledger/active-model.ts";
import { CommandPath, type Executed } from "../ledger/command-path.ts";
import { type Deployment, DeploymentsFilter } from "../ledger/deployments.ts";
import { Follower } from "../ledger/follow.ts";
import { Positions, type ReadOptions } from "../ledger/positions.ts";
import { foldedEvent, ProjectCache } from "../ledger/project-cache.ts";
import {
  activeIn,
  type LeaderboardEntry,
  LeaderboardFilter,
  type ModelEntry,
  ModelsFilter,
  type ProjectSummary,
  Queries,
} from "../ledger/queries.ts";
import type { ReadModel } from "../ledger/read-model.ts";
import {
  type DeploymentResult,
  deploymentOf,
  type EventOf,
  type PolicyResult,
  type RetirementResult,
  type TrainingResult,
  trainingOf,
} from "../ledger/results.ts";
import { Rows } from "../ledger/rows.ts";
import { Snapshots } from "../ledger/snapshots.ts";
import { type Runtime, systemRuntime } from "../runtime.ts";
import type { EventStore, StoredEvent } from "../store/event-store.ts";
import { Subscriptions } from "../subscriptions/subscriptions.ts";
import { Webhooks } from "../subscriptions/webhooks/webhooks.ts";
import {
  ActiveModelInput,
  CheckpointInput,
  ConsistencyInput,
  ExportInput,
  ExportSource,
  FollowInput,
  ImportInput,
  ReadInput,
  SubscribeInput,
  TimelineInput,
  VerifyInput,
} from "./inputs.ts";
import type {
  ActiveModelOptions,
  CheckpointOptions,
  ConsistencyOptions,
  DeployInput,
  ExplainOptions,
  ExplainTrainingOptions,
  ExportOptions,
  FollowOptions,
  ImportOptions,
  LedgerOptions,
  PromoteInput,
  ProofOptions,
  RecordTrainingInput,
  ReinstateModelInput,
  RetireModelInput,
  RollbackInput,
  SetPolicyInput,
  SubscribeOptions,
  TimelineOptions,
  VerifyOptions,
} from "./ledger.ts";
import { optionsOf } from "./options.ts";
import type { ActiveAtRevision, ServedLedger } from "./served-ledger.ts";

/** Whatever `deploy` takes but for the strategy, which is given. */
const Rollback = z.looseObject({ strategy: z.literal("rollback").optional() });
const DEFAULT_MAX_CACHED = 2_000_000;
const NO_OPTIONS = {} as const;
const MAX_COUNTED = 1_000;

/** What a ledger works with besides its store; the bounds are for simulations, which do not live to see the usual ones. */
interface Equipment {
  /** Without one, questions across projects read the log, however long it is. */
  readonly readModel?: ReadModel;
  /** The read model is used for a log of more events than these. */
  readonly shortLogEvents?: number;
  /** A project's snapshot is taken after so many events. */
  readonly minSnapshotEvents?: number;
}

/** A ledger on a store of its own. */
export class LocalLedger implements ServedLedger {
  readonly subscriptions: Subscriptions;
  readonly webhooks: Webhooks;
  readonly #store: EventStore;
  readonly #runtime: Runtime;
  readonly #defaults: PolicyData;
  readonly #cache: ProjectCache<ProjectState>;
  readonly #snapshots: Snapshots;
  readonly #commands: CommandPath;
  readonly #across: Across;
  readonly #queries: Queries;
  readonly #asOf: AsOf;
  readonly #positions: Positions;
  readonly #readModel: ReadModel | undefined;
  readonly #followers = new Set<Follower>();

  constructor(
    store: EventStore,
    options: LedgerOptions = {},
    { minSnapshotEvents, readModel, shortLogEvents }: Equipment = {},
  ) {
    const { defaultPolicy, actor, maxCached, runtime = systemRuntime() } = optionsOf(options);
    this.#store = store;
    this.#runtime = runtime;
    this.#defaults = defaultPolicy;
    this.#snapshots = new Snapshots(store, minSnapshotEvents);
    this.#cache = new ProjectCache(store, {
      maxWeight: maxCached ?? DEFAULT_MAX_CACHED,
      fold: { initial: initialProject, evolve: evolveProject, weigh },
      start: (project) => this.#snapshots.load(project),
      onCaughtUp: (folded) => this.#snapshots.consider(folded),
    });
    this.#commands = new CommandPath({
      store,
      cache: this.#cache,
      runtime,
      defaults: this.#defaults,
      actor: actor ?? validated(Actor, runtime.actor, "actor"),
      onWritten: (folded) => this.#snapshots.consider(folded),
    });
    this.#readModel = readModel;
    this.#across = new Across({ store, cache: this.#cache, readModel, shortLogEvents });
    this.#queries = new Queries({ store, cache: this.#cache, across: this.#across, defaults: this.#defaults });
    this.#asOf = new AsOf(store);
    this.#positions = new Positions(store, runtime);
    this.subscriptions = new Subscriptions(store, runtime);
    this.webhooks = new Webhooks(store, runtime, this.subscriptions, async () =>
      (await import("../subscriptions/webhooks/send.ts")).httpSend(),
    );
  }

  get address(): string {
    return this.#store.address;
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
    validated(Rollback, input, "rollback");
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
    const modelId = event?.data.modelId ?? state.models[version - 1]?.id ?? "";
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

  async activeModel(project: string, options: ActiveModelOptions = NO_OPTIONS): Promise<ActiveModel | undefined> {
    if (options === NO_OPTIONS) {
      const current = this.#cache.current(project);
      if (current) return activeIn(current, DEFAULT_ENVIRONMENT, this.#defaults);
    }
    const { environment, at, by, ...rest } = validated(ActiveModelInput, options, "query");
    const name = validated(ProjectName, project, "project name");
    await this.#positions.reached(rest);
    if (at === undefined) return activeIn(await this.#cache.fresh(name), environment, this.#defaults);
    await this.#checked(at);
    const past = await this.#asOf.activeAt(name, environment, at, by);
    if (past === undefined) return undefined;
    const { state } = await this.#cache.fresh(name);
    return activeModelOf(state, environment, past, this.#defaults);
  }

  async activeAtRevision(project: string, options: ActiveModelOptions = NO_OPTIONS): Promise<ActiveAtRevision> {
    const { environment, at, by, ...rest } = validated(ActiveModelInput, options, "query");
    const name = validated(ProjectName, project, "project name");
    if (rest.minPosition !== undefined) await this.#positions.reached(rest);
    if (at !== undefined) await this.#checked(at);
    const past = at === undefined ? undefined : await this.#asOf.activeAt(name, environment, at, by);
    const folded = this.#cache.current(name) ?? (await this.#cache.fresh(name));
    if (folded.revision === -1n) return { model: undefined, revision: undefined };
    const { state, revision } = folded;
    if (at === undefined) return { model: activeIn(folded, environment, this.#defaults), revision };
    return { model: past && activeModelOf(state, environment, past, this.#defaults), revision };
  }

  activeModels(filter: ActiveModelsFilter = {}): Rows<ActiveModel> {
    const checked = validated(ActiveModelsFilter, filter, "filter");
    const parts = { across: this.#across, asOf: this.#asOf, cache: this.#cache, defaults: this.#defaults };
    const checkedAt = () => (checked.at === undefined ? Promise.resolve() : this.#checked(checked.at));
    return this.#rows(checked, async function* () {
      await checkedAt();
      yield* activeModels(parts, checked);
    });
  }

  async project(project: string, options: ReadOptions = {}): Promise<ProjectSummary> {
    const name = validated(ProjectName, project, "project name");
    await this.#positions.reached(validated(ReadInput, options, "query"));
    return this.#queries.summary(name);
  }

  projects(options: ReadOptions = {}): Rows<ProjectSummary> {
    const checked = validated(ReadInput, options, "query");
    return this.#rows(checked, () => this.#queries.summaries(checked.signal));
  }

  models(project: string, filter: ModelsFilter = {}): Rows<ModelEntry> {
    const name = validated(ProjectName, project, "project name");
    const checked = validated(ModelsFilter, filter, "filter");
    return this.#rows(checked, () => this.#queries.models(name, checked));
  }

  async model(project: string, model: ModelRef, options: ReadOptions = {}): Promise<ModelEntry> {
    const name = validated(ProjectName, project, "project name");
    const reference = validated(ModelRef, model, "model");
    await this.#positions.reached(validated(ReadInput, options, "query"));
    return this.#queries.model(name, reference);
  }

  leaderboard(project: string, filter: LeaderboardFilter = {}): Rows<LeaderboardEntry> {
    const name = validated(ProjectName, project, "project name");
    const checked = validated(LeaderboardFilter, filter, "filter");
    return this.#rows(checked, () => this.#queries.leaderboard(name, checked));
  }

  deployments(filter: DeploymentsFilter = {}): Rows<Deployment> {
    const checked = validated(DeploymentsFilter, filter, "filter");
    return this.#rows(checked, () => this.#queries.deployments(checked));
  }

  async timeline(project: string, options: TimelineOptions = {}): Promise<readonly TimelineEntry[]> {
    const { environment, from, to, by, ...rest } = validated(TimelineInput, options, "query");
    const name = validated(ProjectName, project, "project name");
    await this.#positions.reached(rest);
    await this.#queries.known(name);
    return timelineOf(await this.#asOf.deployments(name, environment, by), { from, to, by });
  }

  explain(input: ExplainOptions): Promise<Explanation>;
  explain(input: ExplainTrainingOptions): Promise<TrainingExplanation>;
  async explain(input: ExplainOptions | ExplainTrainingOptions): Promise<Explanation | TrainingExplanation> {
    const store = this.#store;
    const given = validated(z.looseObject({}), input, "query");
    const isOfTraining = "version" in given || "modelId" in given;
    if (isOfTraining) {
      const checked = validated(ExplainTrainingInput, input, "query");
      await this.#positions.reached(checked);
      const { state } = await this.#cache.fresh(checked.project);
      return explainTraining({ store, state, defaults: this.#defaults }, checked);
    }
    const checked = validated(ExplainInput, input, "query");
    await this.#positions.reached(checked);
    const { state } = await this.#cache.fresh(checked.project);
    return explain({ store, state }, checked);
  }

  async head(): Promise<string | undefined> {
    for await (const { position } of this.#store.readAll({ direction: "backwards", maxCount: 1 })) return position;
    return undefined;
  }

  async countAfter(position: string | undefined): Promise<number> {
    let count = 0;
    const after = position === undefined ? {} : { after: position };
    for await (const _ of this.#store.readAll({ ...after, maxCount: MAX_COUNTED })) count += 1;
    return count;
  }

  /** A moment that is no place in this log is refused, not compared with the places that are. */
  async #checked(at: object): Promise<void> {
    if ("position" in at) await this.checkPosition(String(at.position));
  }

  async checkPosition(position: string): Promise<void> {
    for await (const _ of this.#store.readAll({ after: position, maxCount: 1 })) return;
  }

  async whatIf(project: string, rule: WhatIfRule): Promise<WhatIf> {
    const name = validated(ProjectName, project, "project name");
    const checked = validated(WhatIfRule, rule, "rule");
    checkRule(checked, (await this.#queries.known(name)).state);
    const replay = new WhatIfReplay(checked, this.#defaults);
    for await (const stored of this.#store.readStream(streamOf(name))) replay.next(foldedEvent(recorded(stored)));
    return replay.result(name, checked.until ?? new Date(this.#runtime.now()).toISOString());
  }

  subscribe(options: SubscribeOptions = {}): AsyncIterable<RecordedEvent> {
    return this.#subscribe(options, recorded);
  }

  feed(options: SubscribeOptions): AsyncIterable<RecordedEvent> {
    return this.#subscribe(options, recordedOnce);
  }

  #subscribe(options: SubscribeOptions, read: (stored: StoredEvent) => RecordedEvent): AsyncIterable<RecordedEvent> {
    const { from, project, types, signal } = validated(SubscribeInput, options, "subscription");
    const begin = () =>
      this.#store.subscribe({
        after: from,
        ...(project !== undefined && { stream: streamOf(project) }),
        ...(signal && { signal }),
      });
    // "end" means now, not when the first event is asked for.
    const begun = from === "end" ? begin() : undefined;
    begun?.catch(() => undefined);
    return selected(() => begun ?? begin(), types, read);
  }

  async follow(project: string, options: FollowOptions = {}): Promise<Follower> {
    const { environment } = validated(FollowInput, options, "query");
    const name = validated(ProjectName, project, "project name");
    const follower = new Follower(name, environment, {
      store: this.#store,
      cache: this.#cache,
      runtime: this.#runtime,
      defaults: this.#defaults,
      onClosed: (closed) => this.#followers.delete(closed),
    });
    await follower.start();
    this.#followers.add(follower);
    return follower;
  }

  async verify(options: VerifyOptions = {}): Promise<Verification> {
    const checked = validated(VerifyInput, options, "query");
    await this.#positions.reached(checked);
    return verifyChains(this.#store, checked);
  }

  async checkpoint(options: CheckpointOptions): Promise<SignedCheckpoint> {
    const { key, ...rest } = validated(CheckpointInput, options, "options");
    return newCheckpoint(this.#store, signerOf(key), rest);
  }

  async proveInclusion(options: ProofOptions): Promise<string> {
    const { explanation, signer, rest } = await this.#proof(options);
    const { project, revision } = explanation.deployment;
    return proveInclusion(this.#store, { stream: streamOf(project), revision }, signer, rest);
  }

  async proveConsistency(options: ConsistencyOptions): Promise<string> {
    const { older, newer, ...rest } = validated(ConsistencyInput, options, "options");
    return proveConsistency(this.#store, { older, newer }, rest);
  }

  async receipt(options: ProofOptions): Promise<string> {
    const { explanation, signer, rest } = await this.#proof(options);
    const stream = streamOf(explanation.deployment.project);
    return receiptFor(this.#store, { stream, explanation }, signer, rest);
  }

  async #proof(options: ProofOptions) {
    validated(z.looseObject({}), options, "options");
    const { key, signal, onProgress, ...which } = options;
    const { key: text, ...rest } = validated(CheckpointInput, { key, signal, onProgress }, "options");
    return { explanation: await this.explain(which), signer: signerOf(text), rest };
  }

  export(options: ExportOptions = {}): AsyncIterable<string> {
    return exportLines(this.#store, validated(ExportInput, options, "query"));
  }

  async import(open: () => AsyncIterable<string>, options: ImportOptions = {}): Promise<Imported> {
    const lines = validated(ExportSource, open, "export");
    return importLines(this.#store, lines, validated(ImportInput, options, "options"));
  }

  async close(): Promise<void> {
    await this.webhooks.close();
    await this.subscriptions.close();
    await Promise.all([...this.#followers].map((follower) => follower.close()));
    await this.#commands.settled();
    await this.#snapshots.settled();
    await this.#readModel?.close();
    await this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A list that is read once the ledger has got as far as it was asked to. */
  #rows<Row>(options: ReadOptions, read: () => AsyncIterable<Row>): Rows<Row> {
    if (options.minPosition === undefined) return new Rows(read);
    const positions = this.#positions;
    return new Rows(async function* () {
      await positions.reached(options);
      yield* read();
    });
  }

  async #execute<Type extends CommandType>(type: Type, input: z.input<(typeof COMMAND_INPUTS)[Type]>, what: string) {
    const { signal, ...rest } = withSignal(input);
    const command = { type, ...(validated(COMMAND_INPUTS[type], rest, what) as object) } as Extract<
      Parameters<CommandPath["execute"]>[0],
      { readonly type: Type }
    >;
    const executed = await this.#commands.execute(command, signal);
    const written = {
      project: command.project,
      revision: executed.revision,
      ...(executed.position !== undefined && { position: executed.position }),
      ...(command.dryRun && { dryRun: true as const }),
    };
    return { command, executed, written };
  }
}

/** An input that is not an object is passed on as it is, for its schema to refuse. */
function withSignal(input: unknown): { readonly signal?: AbortSignal } {
  const { signal, ...rest }: { readonly signal?: unknown } = validated(z.looseObject({}), input, "command");
  if (signal === undefined) return rest;
  return { ...rest, signal: validated(z.instanceof(AbortSignal), signal, "signal") };
}

function weigh({ models, environments, commands }: ProjectState): number {
  const deployments = Object.values(environments).reduce((sum, { deployed }) => sum + deployed.length, 0);
  return models.length + deployments + commands.newerCount;
}

function versionIn(state: ProjectState, model: string | number): number {
  return typeof model === "number" ? model : state.models.findIndex(({ id }) => id === model) + 1;
}

function eventOf<Type extends EventType>({ events }: Executed, type: Type): EventOf<Type> | undefined {
  return events.find((event): event is EventOf<Type> => event.type === type);
}

function expectEvent<Type extends EventType>(executed: Executed, type: Type): EventOf<Type> {
  const event = eventOf(executed, type);
  if (event) return event;
  throw new LedgerError("CORRUPT", `the log has no ${type} where this command must have written one`, { type });
}

async function* selected(
  begin: () => ReturnType<EventStore["subscribe"]>,
  types: readonly EventType[] | undefined,
  read: (stored: StoredEvent) => RecordedEvent,
): AsyncGenerator<RecordedEvent> {
  for await (const stored of await begin()) {
    if (types === undefined || types.some((type) => type === stored.type)) yield read(stored);
  }
}

const readEvents = new WeakMap<StoredEvent, RecordedEvent>();

/** A store hands a live event to all its subscribers as one object: it is read for the first of them only. */
function recordedOnce(stored: StoredEvent): RecordedEvent {
  const known = readEvents.get(stored);
  if (known) return known;
  const event = recorded(stored);
  readEvents.set(stored, event);
  return event;
}
