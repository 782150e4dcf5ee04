import { evolveProject, initialProject, type ProjectState } from "../../projections/project.ts";
import { ActiveModelsFilter, activeModels } from "../audit/active-models.ts";
import { AsOf } from "../audit/as-of.ts";
import type { Explanation, TrainingExplanation } from "../audit/explanation.ts";
import type { Imported } from "../audit/import.ts";
import type { SignedCheckpoint } from "../audit/sign-checkpoint.ts";
import { type TimelineEntry, timelineOf } from "../audit/timeline.ts";
import type { Verification } from "../audit/verify.ts";
import { ModelRef, validated } from "../domain/commands.ts";
import type { WhatIf, WhatIfRule } from "../domain/what-if.ts";
import { refuseAborted } from "../errors.ts";
import type { PolicyData, RecordedEvent } from "../events/events.ts";
import { Actor, DEFAULT_ENVIRONMENT, ProjectName } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import { Across } from "../ledger/across.ts";
import { type ActiveModel, activeModelOf } from "../ledger/active-model.ts";
import { CommandPath } from "../ledger/command-path.ts";
import { type Deployment, DeploymentsFilter } from "../ledger/deployments.ts";
import { Follower } from "../ledger/follow.ts";
import { Positions, type ReadOptions } from "../ledger/positions.ts";
import { ProjectCache } from "../ledger/project-cache.ts";
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
import type { DeploymentResult, PolicyResult, RetirementResult, TrainingResult } from "../ledger/results.ts";
import { Rows } from "../ledger/rows.ts";
import { Snapshots } from "../ledger/snapshots.ts";
import { type Runtime, systemRuntime } from "../runtime.ts";
import type { EventStore } from "../store/event-store.ts";
import { Subscriptions } from "../subscriptions/subscriptions.ts";
import { Webhooks } from "../subscriptions/webhooks/webhooks.ts";
import { Commands } from "./commands.ts";
import { Evidence } from "./evidence.ts";
import { ActiveModelInput, FollowInput, ReadInput, TimelineInput } from "./inputs.ts";
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
import { recordedOnce, subscription } from "./subscription.ts";

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
  readonly #commandPath: CommandPath;
  readonly #commands: Commands;
  readonly #evidence: Evidence;
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
    this.#commandPath = new CommandPath({
      store,
      cache: this.#cache,
      runtime,
      defaults: this.#defaults,
      actor: actor ?? validated(Actor, runtime.actor, "actor"),
      onWritten: (folded) => this.#snapshots.consider(folded),
    });
    this.#commands = new Commands(this.#commandPath, defaultPolicy);
    this.#readModel = readModel;
    this.#across = new Across({ store, cache: this.#cache, readModel, shortLogEvents });
    this.#queries = new Queries({ store, cache: this.#cache, across: this.#across, defaults: this.#defaults });
    this.#asOf = new AsOf(store);
    this.#positions = new Positions(store, runtime);
    this.#evidence = new Evidence({
      store,
      runtime,
      defaults: defaultPolicy,
      cache: this.#cache,
      queries: this.#queries,
      positions: this.#positions,
    });
    this.subscriptions = new Subscriptions(store, runtime);
    this.webhooks = new Webhooks(store, runtime, this.subscriptions, async () =>
      (await import("../subscriptions/webhooks/send.ts")).httpSend(),
    );
  }

  get address(): string {
    return this.#store.address;
  }

  recordTraining(input: RecordTrainingInput): Promise<TrainingResult> {
    return this.#commands.recordTraining(input);
  }

  deploy(input: DeployInput): Promise<DeploymentResult> {
    return this.#commands.deploy(input);
  }

  rollback(input: RollbackInput): Promise<DeploymentResult> {
    return this.#commands.rollback(input);
  }

  promote(input: PromoteInput): Promise<DeploymentResult> {
    return this.#commands.promote(input);
  }

  retireModel(input: RetireModelInput): Promise<RetirementResult> {
    return this.#commands.retireModel(input);
  }

  reinstateModel(input: ReinstateModelInput): Promise<RetirementResult> {
    return this.#commands.reinstateModel(input);
  }

  setPolicy(input: SetPolicyInput): Promise<PolicyResult> {
    return this.#commands.setPolicy(input);
  }

  async activeModel(project: string, options: ActiveModelOptions = NO_OPTIONS): Promise<ActiveModel | undefined> {
    if (options === NO_OPTIONS) {
      const current = this.#cache.current(project);
      if (current) return activeIn(current, DEFAULT_ENVIRONMENT, this.#defaults);
    }
    const { environment, at, by, ...rest } = validated(ActiveModelInput, options, "query");
    const name = validated(ProjectName, project, "project name");
    return this.#positions.answer(rest, async () => {
      if (at === undefined) return activeIn(await this.#cache.fresh(name), environment, this.#defaults);
      await this.#checked(at);
      const past = await this.#asOf.activeAt(name, environment, at, by);
      if (past === undefined) return undefined;
      const { state } = await this.#cache.fresh(name);
      return activeModelOf(state, environment, past, this.#defaults);
    });
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

  changeCount(): number {
    return this.#store.changeCount();
  }

  activeModels(filter: ActiveModelsFilter = {}): Rows<ActiveModel> {
    const checked = validated(ActiveModelsFilter, filter, "filter");
    const parts = {
      across: this.#across,
      asOf: this.#asOf,
      cache: this.#cache,
      defaults: this.#defaults,
      checkMoment: (at: object) => this.#checked(at),
    };
    return this.#rows(checked, () => activeModels(parts, checked));
  }

  async project(project: string, options: ReadOptions = {}): Promise<ProjectSummary> {
    const name = validated(ProjectName, project, "project name");
    return this.#positions.answer(validated(ReadInput, options, "query"), () => this.#queries.summary(name));
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
    return this.#positions.answer(validated(ReadInput, options, "query"), () => this.#queries.model(name, reference));
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
    return this.#positions.answer(rest, async () => {
      await this.#queries.known(name);
      return timelineOf(await this.#asOf.deployments(name, environment, by), { from, to, by });
    });
  }

  explain(input: ExplainOptions): Promise<Explanation>;
  explain(input: ExplainTrainingOptions): Promise<TrainingExplanation>;
  explain(input: ExplainOptions | ExplainTrainingOptions): Promise<Explanation | TrainingExplanation> {
    return this.#evidence.explain(input);
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

  whatIf(project: string, rule: WhatIfRule): Promise<WhatIf> {
    return this.#evidence.whatIf(project, rule);
  }

  subscribe(options: SubscribeOptions = {}): AsyncIterable<RecordedEvent> {
    return subscription(this.#store, options, recorded);
  }

  feed(options: SubscribeOptions): AsyncIterable<RecordedEvent> {
    return subscription(this.#store, options, recordedOnce);
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

  verify(options?: VerifyOptions): Promise<Verification> {
    return this.#evidence.verify(options);
  }

  checkpoint(options: CheckpointOptions): Promise<SignedCheckpoint> {
    return this.#evidence.checkpoint(options);
  }

  proveInclusion(options: ProofOptions): Promise<string> {
    return this.#evidence.proveInclusion(options);
  }

  proveConsistency(options: ConsistencyOptions): Promise<string> {
    return this.#evidence.proveConsistency(options);
  }

  receipt(options: ProofOptions): Promise<string> {
    return this.#evidence.receipt(options);
  }

  export(options?: ExportOptions): AsyncIterable<string> {
    return this.#evidence.export(options);
  }

  import(open: () => AsyncIterable<string>, options?: ImportOptions): Promise<Imported> {
    return this.#evidence.import(open, options);
  }

  async close(): Promise<void> {
    await this.webhooks.close();
    await this.subscriptions.close();
    await Promise.all([...this.#followers].map((follower) => follower.close()));
    await this.#commandPath.settled();
    await this.#snapshots.settled();
    await this.#readModel?.close();
    await this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A list that is read once the ledger has got as far as it was asked to, and until it is aborted. */
  #rows<Row>(options: ReadOptions, read: () => AsyncIterable<Row>): Rows<Row> {
    const { minPosition, signal } = options;
    if (minPosition === undefined && signal === undefined) return new Rows(read);
    const positions = this.#positions;
    return new Rows(async function* () {
      refuseAborted(signal);
      await positions.reached(options);
      for await (const row of read()) {
        refuseAborted(signal);
        yield row;
      }
      refuseAborted(signal);
    });
  }
}

function weigh({ models, environments, commands }: ProjectState): number {
  const deployments = Object.values(environments).reduce((sum, { deployed }) => sum + deployed.length, 0);
  return models.length + deployments + commands.newerCount;
}
