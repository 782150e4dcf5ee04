import type { ProjectState } from "../../projections/project.ts";
import type { ActiveModelsFilter } from "../audit/active-models.ts";
import { AsOf } from "../audit/as-of.ts";
import type { Explanation, TrainingExplanation } from "../audit/explanation.ts";
import type { Imported } from "../audit/import.ts";
import type { SignedCheckpoint } from "../audit/sign-checkpoint.ts";
import type { TimelineEntry } from "../audit/timeline.ts";
import type { Verification } from "../audit/verify.ts";
import { type ModelRef, validated } from "../domain/commands.ts";
import type { WhatIf, WhatIfRule } from "../domain/what-if.ts";
import type { PolicyData, RecordedEvent } from "../events/events.ts";
import { Actor, ProjectName } from "../events/names.ts";
import { Across } from "../ledger/across.ts";
import type { ActiveModel } from "../ledger/active-model.ts";
import { CommandPath } from "../ledger/command-path.ts";
import type { Deployment, DeploymentsFilter } from "../ledger/deployments.ts";
import { Follower } from "../ledger/follow.ts";
import { Positions, type ReadOptions } from "../ledger/positions.ts";
import { ProjectCache } from "../ledger/project-cache.ts";
import { PROJECT_FOLD } from "../ledger/project-fold.ts";
import {
  type LeaderboardEntry,
  type LeaderboardFilter,
  type ModelEntry,
  type ModelsFilter,
  type ProjectSummary,
  Queries,
} from "../ledger/queries.ts";
import type { ReadModel } from "../ledger/read-model.ts";
import type { DeploymentResult, PolicyResult, RetirementResult, TrainingResult } from "../ledger/results.ts";
import type { Rows } from "../ledger/rows.ts";
import { Snapshots } from "../ledger/snapshots.ts";
import { type Runtime, systemRuntime } from "../runtime.ts";
import type { EventStore } from "../store/event-store.ts";
import { Subscriptions } from "../subscriptions/subscriptions.ts";
import { Webhooks } from "../subscriptions/webhooks/webhooks.ts";
import { Commands } from "./commands.ts";
import { Evidence } from "./evidence.ts";
import { FollowInput } from "./inputs.ts";
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
import { Questions } from "./questions.ts";
import type { ActiveAtRevision, ServedLedger } from "./served-ledger.ts";
import { subscription } from "./subscription.ts";

const DEFAULT_MAX_CACHED = 2_000_000;

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
  readonly #questions: Questions;
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
      fold: PROJECT_FOLD,
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
    const positions = new Positions(store, runtime);
    const across = new Across({ store, cache: this.#cache, readModel, shortLogEvents });
    const queries = new Queries({ store, cache: this.#cache, across, defaults: defaultPolicy });
    const parts = { store, cache: this.#cache, queries, positions, defaults: defaultPolicy };
    this.#questions = new Questions({ ...parts, across, asOf: new AsOf(store) });
    this.#evidence = new Evidence({ ...parts, runtime });
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

  changeCount(): number {
    return this.#store.changeCount();
  }

  activeModel(project: string, options?: ActiveModelOptions): Promise<ActiveModel | undefined> {
    return this.#questions.activeModel(project, options);
  }

  activeAtRevision(project: string, options?: ActiveModelOptions): Promise<ActiveAtRevision> {
    return this.#questions.activeAtRevision(project, options);
  }

  activeModels(filter?: ActiveModelsFilter): Rows<ActiveModel> {
    return this.#questions.activeModels(filter);
  }

  project(project: string, options?: ReadOptions): Promise<ProjectSummary> {
    return this.#questions.project(project, options);
  }

  projects(options?: ReadOptions): Rows<ProjectSummary> {
    return this.#questions.projects(options);
  }

  models(project: string, filter?: ModelsFilter): Rows<ModelEntry> {
    return this.#questions.models(project, filter);
  }

  model(project: string, model: ModelRef, options?: ReadOptions): Promise<ModelEntry> {
    return this.#questions.model(project, model, options);
  }

  leaderboard(project: string, filter?: LeaderboardFilter): Rows<LeaderboardEntry> {
    return this.#questions.leaderboard(project, filter);
  }

  deployments(filter?: DeploymentsFilter): Rows<Deployment> {
    return this.#questions.deployments(filter);
  }

  timeline(project: string, options?: TimelineOptions): Promise<readonly TimelineEntry[]> {
    return this.#questions.timeline(project, options);
  }

  checkPosition(position: string): void {
    this.#store.checkPosition(position);
  }

  explain(input: ExplainOptions): Promise<Explanation>;
  explain(input: ExplainTrainingOptions): Promise<TrainingExplanation>;
  explain(input: ExplainOptions | ExplainTrainingOptions): Promise<Explanation | TrainingExplanation> {
    return this.#evidence.explain(input);
  }

  head(): Promise<string | undefined> {
    return this.#questions.head();
  }

  countAfter(position: string | undefined): Promise<number> {
    return this.#questions.countAfter(position);
  }

  whatIf(project: string, rule: WhatIfRule): Promise<WhatIf> {
    return this.#evidence.whatIf(project, rule);
  }

  subscribe(options: SubscribeOptions = {}): AsyncIterable<RecordedEvent> {
    return subscription(this.#store, options);
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
}
