import { z } from "zod";
import { evolveProject, initialProject, type ProjectState } from "../projections/project.ts";
import { AsOf, At } from "./audit/as-of.ts";
import { ExplainInput, type Explanation, explain } from "./audit/explain.ts";
import { type TimelineEntry, timelineOf } from "./audit/timeline.ts";
import { type Verification, verifyChains } from "./audit/verify.ts";
import { COMMAND_INPUTS, type CommandType, Moment, PolicyInput, validated } from "./domain/commands.ts";
import { mergePolicy, policyInForce } from "./domain/policy.ts";
import { LedgerError } from "./errors.ts";
import { EVENT_TYPES, type EventType, type PolicyData, type RecordedEvent } from "./events/events.ts";
import { Actor, DEFAULT_ENVIRONMENT, EnvironmentName, ProjectName, streamOf } from "./events/names.ts";
import { recorded } from "./events/stored.ts";
import { type ActiveModel, activeModelOf } from "./ledger/active-model.ts";
import { CommandPath, type Executed } from "./ledger/command-path.ts";
import { Follower } from "./ledger/follow.ts";
import { ProjectCache } from "./ledger/project-cache.ts";
import {
  activeIn,
  type Deployment,
  DeploymentsFilter,
  type LeaderboardEntry,
  LeaderboardFilter,
  type ModelEntry,
  ModelsFilter,
  type ProjectSummary,
  Queries,
} from "./ledger/queries.ts";
import {
  type DeploymentResult,
  deploymentOf,
  type EventOf,
  type PolicyResult,
  type RetirementResult,
  type TrainingResult,
  trainingOf,
} from "./ledger/results.ts";
import { Rows } from "./ledger/rows.ts";
import { Snapshots } from "./ledger/snapshots.ts";
import { type Runtime, systemRuntime } from "./runtime.ts";
import type { EventStore } from "./store/event-store.ts";
import { openStore } from "./store/open-store.ts";

export interface LedgerOptions {
  /** What holds in a project whose own policy says nothing. It is not written to the log. */
  readonly defaultPolicy?: z.input<typeof PolicyInput>;
  /** Who gives the commands that name no actor. Default: user@host. */
  readonly actor?: string;
  /** How much folded state is kept in memory: the models and deployments of all cached projects together. */
  readonly maxCached?: number;
  /** Time, ids, randomness and timers; for simulations and tests. */
  readonly runtime?: Runtime;
}

type Input<Type extends CommandType> = z.input<(typeof COMMAND_INPUTS)[Type]> & { readonly signal?: AbortSignal };
export type RecordTrainingInput = Input<"RecordTraining">;
export type DeployInput = Input<"Deploy">;
export type RollbackInput = Omit<DeployInput, "strategy" | "model">;
export type PromoteInput = Input<"Promote">;
export type RetireModelInput = Input<"RetireModel">;
export type ReinstateModelInput = Input<"ReinstateModel">;
export type SetPolicyInput = Input<"SetPolicy">;

const ActiveModelInput = z.strictObject({
  environment: EnvironmentName.default(DEFAULT_ENVIRONMENT),
  at: At.optional(),
});
const TimelineInput = z.strictObject({
  environment: EnvironmentName.default(DEFAULT_ENVIRONMENT),
  from: Moment.optional(),
  to: Moment.optional(),
});
/** Whatever `deploy` takes but for the strategy, which is given. */
const Rollback = z.looseObject({ strategy: z.literal("rollback").optional() });
const Signal = z.instanceof(AbortSignal);
const OptionsInput = z.strictObject({
  defaultPolicy: z.unknown().optional(),
  actor: Actor.optional(),
  maxCached: z.int().positive().optional(),
  runtime: z.custom<Runtime>((value) => typeof value === "object" && value !== null, "must be a Runtime").optional(),
});
const VerifyInput = z.strictObject({
  project: ProjectName.optional(),
  signal: Signal.optional(),
  onProgress: z
    .custom<(events: number) => void>((value) => typeof value === "function", "must be a function")
    .optional(),
});
const FollowInput = z.strictObject({ environment: EnvironmentName.default(DEFAULT_ENVIRONMENT) });
const SubscribeInput = z.strictObject({
  from: z
    .string()
    .regex(/^[0-9A-Za-z_-]+$/, 'must be "start", "end" or a position')
    .default("start"),
  project: ProjectName.optional(),
  types: z.array(z.enum(EVENT_TYPES)).optional(),
  signal: Signal.optional(),
});
export type ActiveModelOptions = z.input<typeof ActiveModelInput>;
export type TimelineOptions = z.input<typeof TimelineInput>;
export type FollowOptions = z.input<typeof FollowInput>;
export type SubscribeOptions = z.input<typeof SubscribeInput>;
export interface VerifyOptions {
  readonly project?: string;
  readonly signal?: AbortSignal;
  /** Told now and then how many events have been verified. */
  readonly onProgress?: (events: number) => void;
}

const DEFAULT_MAX_CACHED = 2_000_000;
const NO_OPTIONS = {} as const;

/**
 * A ledger of model deployments. Commands resolve once they would survive a power cut, and answer with the `position`
 * and `revision` they reached; every query sees all that was committed before it was asked, by any process.
 * All methods reject with {@link LedgerError}.
 */
export class Ledger implements AsyncDisposable {
  readonly #store: EventStore;
  readonly #defaults: PolicyData;
  readonly #cache: ProjectCache<ProjectState>;
  readonly #snapshots: Snapshots;
  readonly #commands: CommandPath;
  readonly #queries: Queries;
  readonly #asOf: AsOf;
  readonly #followers = new Set<Follower>();

  constructor(store: EventStore, options: LedgerOptions = {}) {
    const { defaultPolicy, actor, maxCached, runtime = systemRuntime() } = optionsOf(options);
    this.#store = store;
    this.#defaults = defaultPolicy;
    this.#snapshots = new Snapshots(store);
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
    this.#queries = new Queries({ store, cache: this.#cache, defaults: this.#defaults });
    this.#asOf = new AsOf(store);
  }

  /** Where the ledger is kept, without passwords. */
  get address(): string {
    return this.#store.address;
  }

  /**
   * Records that a model was trained, and deploys it in the same append if the policy says so. The project begins with
   * its first training, which fixes its task.
   */
  async recordTraining(input: RecordTrainingInput): Promise<TrainingResult> {
    const { executed, written } = await this.#execute("RecordTraining", input, "training");
    const deployment = eventOf(executed, "ModelDeployed");
    return { ...written, ...trainingOf(expectEvent(executed, "ModelTrained"), deployment) };
  }

  /** Makes a model active by a strategy, `best_score` unless given (CONTRACT §4). */
  async deploy(input: DeployInput): Promise<DeploymentResult> {
    const { executed, written } = await this.#execute("Deploy", input, "deployment");
    return { ...written, ...deploymentOf(expectEvent(executed, "ModelDeployed")) };
  }

  /** Goes back to an earlier model: `steps` (default 1) distinct models back, or to that of deployment `toNumber`. */
  async rollback(input: RollbackInput): Promise<DeploymentResult> {
    validated(Rollback, input, "rollback");
    return this.deploy({ ...input, strategy: "rollback" });
  }

  /** Deploys into `to` what is active in `from`. */
  async promote(input: PromoteInput): Promise<DeploymentResult> {
    const { executed, written } = await this.#execute("Promote", input, "promotion");
    return { ...written, ...deploymentOf(expectEvent(executed, "ModelDeployed")) };
  }

  /** Takes a model out of the running. Where it is active it stays so until the next deployment: see `activeIn`. */
  async retireModel(input: RetireModelInput): Promise<RetirementResult> {
    const { executed, written } = await this.#execute("RetireModel", input, "retirement");
    const { modelId, version, activeIn: environments } = expectEvent(executed, "ModelRetired").data;
    return { ...written, modelId, version, retired: true, changed: true, activeIn: environments };
  }

  /** Lets a retired model qualify again; of one that is not retired it changes nothing. */
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

  /** Merges `policy` into the project's: a field left out keeps its value, `null` takes it back to the default. */
  async setPolicy(input: SetPolicyInput): Promise<PolicyResult> {
    const { executed, written } = await this.#execute("SetPolicy", input, "policy");
    const { policy } = expectEvent(executed, "PolicySet").data;
    return { ...written, policy: policyInForce(policy, this.#defaults, executed.state.task) };
  }

  /**
   * What is active in the environment (default production), now or `at` a time, revision or position, events of that
   * very moment included. `undefined` when nothing is, also when there is no such project.
   */
  async activeModel(project: string, options: ActiveModelOptions = NO_OPTIONS): Promise<ActiveModel | undefined> {
    if (options === NO_OPTIONS) {
      const current = this.#cache.current(project);
      if (current) return activeIn(current, DEFAULT_ENVIRONMENT, this.#defaults);
    }
    const { environment, at } = validated(ActiveModelInput, options, "query");
    const name = validated(ProjectName, project, "project name");
    if (at === undefined) return activeIn(await this.#cache.fresh(name), environment, this.#defaults);
    const past = await this.#asOf.activeAt(name, environment, at);
    if (past === undefined) return undefined;
    const { state } = await this.#cache.fresh(name);
    return activeModelOf(state, environment, past, this.#defaults);
  }

  async project(project: string): Promise<ProjectSummary> {
    return this.#queries.summary(validated(ProjectName, project, "project name"));
  }

  /** Every project, in the order of their beginnings. */
  projects(): Rows<ProjectSummary> {
    return new Rows(() => this.#queries.summaries());
  }

  /** The project's models by version. */
  models(project: string, filter: ModelsFilter = {}): Rows<ModelEntry> {
    const name = validated(ProjectName, project, "project name");
    const checked = validated(ModelsFilter, filter, "filter");
    return new Rows(() => this.#queries.models(name, checked));
  }

  /** Best first by the key metric, then by version; without retired and unscored models. */
  leaderboard(project: string, filter: LeaderboardFilter = {}): Rows<LeaderboardEntry> {
    const name = validated(ProjectName, project, "project name");
    const checked = validated(LeaderboardFilter, filter, "filter");
    return new Rows(() => this.#queries.leaderboard(name, checked));
  }

  /** Deployments of one project or of all, newest first unless `order: "asc"`. */
  deployments(filter: DeploymentsFilter = {}): Rows<Deployment> {
    const checked = validated(DeploymentsFilter, filter, "filter");
    return new Rows(() => this.#queries.deployments(checked));
  }

  /** The stretches `[activeFrom, activeTo)` of an environment (default production) that touch `[from, to)`, in order. */
  async timeline(project: string, options: TimelineOptions = {}): Promise<readonly TimelineEntry[]> {
    const { environment, from, to } = validated(TimelineInput, options, "query");
    const name = validated(ProjectName, project, "project name");
    await this.#queries.known(name);
    return timelineOf(await this.#asOf.deployments(name, environment), { from, to });
  }

  /** Why a deployment happened, as data and as one English sentence. */
  async explain(input: z.input<typeof ExplainInput>): Promise<Explanation> {
    return explain(this.#store, validated(ExplainInput, input, "query"));
  }

  /** History after `from` (default "start"), then live: in order, no gap, no repeat. Ends when `signal` aborts. */
  subscribe(options: SubscribeOptions = {}): AsyncIterable<RecordedEvent> {
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
    return selected(() => begun ?? begin(), types);
  }

  /** Keeps the active model at hand: `follower.current` is a property read, "change" tells of each deployment. */
  async follow(project: string, options: FollowOptions = {}): Promise<Follower> {
    const { environment } = validated(FollowInput, options, "query");
    const name = validated(ProjectName, project, "project name");
    const follower = new Follower(name, environment, this.#cache, this.#defaults, (closed) =>
      this.#followers.delete(closed),
    );
    await follower.start(this.#store);
    this.#followers.add(follower);
    return follower;
  }

  /** Recomputes the hash chains of one project or of all, up to the first event that breaks one. */
  async verify(options: VerifyOptions = {}): Promise<Verification> {
    return verifyChains(this.#store, validated(VerifyInput, options, "query"));
  }

  /** Finishes what is under way and frees everything. */
  async close(): Promise<void> {
    await Promise.all([...this.#followers].map((follower) => follower.close()));
    await this.#commands.settled();
    await this.#snapshots.settled();
    await this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #execute<Type extends CommandType>(type: Type, input: Input<Type>, what: string) {
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

/**
 * Opens the ledger at `url`: "memory:", "sqlite:<path>".
 * @throws {LedgerError} INVALID_INPUT for an unknown scheme or option, STORE_UNAVAILABLE when it cannot be opened.
 */
export async function openLedger(url: string, options: LedgerOptions = {}): Promise<Ledger> {
  const address = validated(z.string(), url, "store address");
  const { runtime = systemRuntime() } = optionsOf(options);
  return new Ledger(await openStore(address, runtime), { ...options, runtime });
}

/** An input that is not an object is passed on as it is, for its schema to refuse. */
function withSignal(input: unknown): { readonly signal?: AbortSignal } {
  const { signal, ...rest }: { readonly signal?: unknown } = validated(z.looseObject({}), input, "command");
  if (signal === undefined) return rest;
  return { ...rest, signal: validated(z.instanceof(AbortSignal), signal, "signal") };
}

function optionsOf(options: LedgerOptions) {
  const checked = validated(OptionsInput, options, "options");
  return { ...checked, defaultPolicy: defaultPolicyOf(checked.defaultPolicy) };
}

function defaultPolicyOf(input: unknown): PolicyData {
  const merged = mergePolicy({}, validated(PolicyInput, input ?? {}, "defaultPolicy"), null);
  if ("policy" in merged) return merged.policy;
  const { path, message } = merged.fault;
  throw new LedgerError("INVALID_INPUT", `invalid defaultPolicy: ${path}: ${message}`, { issues: [merged.fault] });
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
): AsyncGenerator<RecordedEvent> {
  for await (const stored of await begin()) {
    const event = recorded(stored);
    if (types === undefined || types.includes(event.type)) yield event;
  }
}
