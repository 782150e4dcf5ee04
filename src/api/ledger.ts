import type { EventEmitter } from "node:events";
import type { z } from "zod";
import type { ActiveModelsFilter } from "../audit/active-models.ts";
import type { ExplainInput } from "../audit/explain.ts";
import type { ExplainTrainingInput } from "../audit/explain-training.ts";
import type { Explanation, TrainingExplanation } from "../audit/explanation.ts";
import type { Imported } from "../audit/import.ts";
import type { SignedCheckpoint } from "../audit/sign-checkpoint.ts";
import type { TimelineEntry } from "../audit/timeline.ts";
import type { Verification } from "../audit/verify.ts";
import type { COMMAND_INPUTS, CommandType, PolicyInput } from "../domain/commands.ts";
import type { WhatIf, WhatIfRule } from "../domain/what-if.ts";
import type { RecordedEvent } from "../events/events.ts";
import type { ActiveModel } from "../ledger/active-model.ts";
import type { Deployment, DeploymentsFilter } from "../ledger/deployments.ts";
import type { FollowerEvents } from "../ledger/follow.ts";
import type { ReadOptions } from "../ledger/positions.ts";
import type {
  LeaderboardEntry,
  LeaderboardFilter,
  ModelEntry,
  ModelsFilter,
  ProjectSummary,
} from "../ledger/queries.ts";
import type { DeploymentResult, PolicyResult, RetirementResult, TrainingResult } from "../ledger/results.ts";
import type { Rows } from "../ledger/rows.ts";
import type { Runtime } from "../runtime.ts";
import type { Subscriptions } from "../subscriptions/subscriptions.ts";
import type { Webhooks } from "../subscriptions/webhooks/webhooks.ts";
import type { ActiveModelInput, FollowInput, SubscribeInput, TimelineInput } from "./inputs.ts";

export interface LedgerOptions {
  /** What holds in a project whose own policy says nothing. It is not written to the log. */
  readonly defaultPolicy?: z.input<typeof PolicyInput>;
  /** Lets in at a service: for an address that is http or https. */
  readonly token?: string;
  /** Who gives the commands that name no actor. Default: user@host. */
  readonly actor?: string;
  /** How much folded state is kept in memory: the models and deployments of all cached projects together. */
  readonly maxCached?: number;
  /**
   * The file of the read model, which answers questions across projects once the log is long: a copy that can be deleted
   * at any time. Default: beside the file of a `sqlite:` ledger, in memory for other stores.
   */
  readonly readModel?: string;
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

export type ActiveModelOptions = z.input<typeof ActiveModelInput>;
export type TimelineOptions = z.input<typeof TimelineInput>;
export type FollowOptions = z.input<typeof FollowInput>;
export type SubscribeOptions = z.input<typeof SubscribeInput>;
export interface VerifyOptions extends ReadOptions {
  readonly project?: string;
  /** A signed checkpoint that was kept elsewhere: the log must begin with the events that it was signed over. */
  readonly checkpoint?: string;
  /** Of the key that signed it, `<name>+<id>+<key>`. */
  readonly publicKey?: string;
  /** Told now and then how many events have been verified. */
  readonly onProgress?: (events: number) => void;
}

export interface CheckpointOptions {
  /** The private key, as `generateKeys` and `model-ledger keygen` write it. */
  readonly key: string;
  readonly signal?: AbortSignal;
  /** Told now and then how many events have been verified. */
  readonly onProgress?: (events: number) => void;
}

/** Which deployment, as `explain` takes it, and what signs the checkpoint that it is proved under. */
export type ProofOptions = Omit<ExplainOptions, "minPosition" | "signal"> & CheckpointOptions;

export interface ConsistencyOptions extends Omit<CheckpointOptions, "key"> {
  /** Two signed checkpoints of this ledger. */
  readonly older: string;
  readonly newer: string;
}

export interface ExportOptions {
  readonly project?: string;
  readonly signal?: AbortSignal;
}

export interface ImportOptions {
  /** Checks everything and writes nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** Told now and then how many events have been checked, and then how many of them written or found there. */
  readonly onProgress?: (events: number, phase: "checking" | "writing") => void;
}

export type ExplainOptions = z.input<typeof ExplainInput>;
export type ExplainTrainingOptions = z.input<typeof ExplainTrainingInput>;

/** Keeps the active model of one environment at hand for code that serves it: `current` is a plain property. */
export interface Follower extends EventEmitter<FollowerEvents>, AsyncDisposable {
  /** The active model, or undefined while nothing was ever deployed. */
  readonly current: ActiveModel | undefined;
  readonly project: string;
  readonly environment: string;
  /**
   * For how long, in milliseconds, nothing may have been heard of what happened: so old `current` may be. It grows while
   * the store is away, and from the close of the follower or the ledger on. A connection to EventStoreDB that goes silent
   * without an end is noticed by its keep-alive, 20 s later unless the address says otherwise, and counts from then on.
   */
  readonly staleMs: number;
  close(): Promise<void>;
}

/** Named subscriptions whose checkpoint the ledger's store keeps. */
export type DurableSubscriptions = Pick<
  Subscriptions,
  "run" | "list" | "parked" | "retryParked" | "dropParked" | "remove"
>;

/** Who is told of events over HTTP. */
export type LedgerWebhooks = Pick<Webhooks, "add" | "list" | "remove" | "deliveries" | "redeliver" | "run">;

/**
 * A ledger of model deployments. Commands resolve once they would survive a power cut, and answer with the `position`
 * and `revision` they reached; every query sees all that was committed before it was asked, by any process. Given a
 * command's position as `minPosition` it also waits, ten seconds at most, for a store that has not got there yet.
 * All methods reject with {@link LedgerError}: with ABORTED, its cause the signal's reason, as soon as a `signal` that they
 * were given aborts, but for a command that is being written, which ends whole. What follows events ends without an error.
 */
export interface Ledger extends AsyncDisposable {
  /** Where the ledger is kept, without passwords. */
  readonly address: string;

  /**
   * Records that a model was trained, and deploys it in the same append if the policy says so. The project begins with
   * its first training, which fixes its task.
   */
  recordTraining(input: RecordTrainingInput): Promise<TrainingResult>;

  /** Makes a model active by a strategy, `best_score` unless given (CONTRACT §4). */
  deploy(input: DeployInput): Promise<DeploymentResult>;

  /** Goes back to an earlier model: `steps` (default 1) distinct models back, or to that of deployment `toNumber`. */
  rollback(input: RollbackInput): Promise<DeploymentResult>;

  /** Deploys into `to` what is active in `from`. */
  promote(input: PromoteInput): Promise<DeploymentResult>;

  /** Takes a model out of the running. Where it is active it stays so until the next deployment: see `activeIn`. */
  retireModel(input: RetireModelInput): Promise<RetirementResult>;

  /** Lets a retired model qualify again; of one that is not retired it changes nothing. */
  reinstateModel(input: ReinstateModelInput): Promise<RetirementResult>;

  /** Merges `policy` into the project's: a field left out keeps its value, `null` takes it back to the default. */
  setPolicy(input: SetPolicyInput): Promise<PolicyResult>;

  /**
   * What is active in the environment (default production), now or `at` a time, revision or position, events of that
   * very moment included. A time is one of recording unless `by: "deployedAt"` asks for the callers' own clock.
   * `undefined` when nothing is, also when there is no such project.
   */
  activeModel(project: string, options?: ActiveModelOptions): Promise<ActiveModel | undefined>;

  /**
   * What is or was active everywhere, `at` a time or position: every project, in the order of their beginnings, and every
   * environment (or the one asked for) where something was.
   */
  activeModels(filter?: ActiveModelsFilter): Rows<ActiveModel>;

  project(project: string, options?: ReadOptions): Promise<ProjectSummary>;

  /** Every project, in the order of their beginnings. */
  projects(options?: ReadOptions): Rows<ProjectSummary>;

  /** The project's models by version. */
  models(project: string, filter?: ModelsFilter): Rows<ModelEntry>;

  /** Best first by the key metric, then by version; without retired and unscored models. */
  leaderboard(project: string, filter?: LeaderboardFilter): Rows<LeaderboardEntry>;

  /**
   * Deployments of one project or of all that fit every field of the filter, newest first unless `order: "asc"`. A page
   * is `limit` rows; the next one comes `after` the position of its last row.
   */
  deployments(filter?: DeploymentsFilter): Rows<Deployment>;

  /**
   * The stretches `[activeFrom, activeTo)` of an environment (default production) that touch `[from, to)`, in order, by
   * recorded time unless `by: "deployedAt"`.
   */
  timeline(project: string, options?: TimelineOptions): Promise<readonly TimelineEntry[]>;

  /** Why a deployment happened, as data and as one English sentence. */
  explain(input: ExplainOptions): Promise<Explanation>;

  /** Why a training deployed its model at once, or why not: of the model's `version` or `modelId`. */
  explain(input: ExplainTrainingOptions): Promise<TrainingExplanation>;

  /**
   * Replays a project's history in memory under another rule: which deployments would have differed, for how long
   * another model would have served, and what that means for the score. Writes nothing. INVALID_INPUT for a rule that
   * cannot be, MODEL_NOT_FOUND when it leaves out a model that there is not.
   */
  whatIf(project: string, rule: WhatIfRule): Promise<WhatIf>;

  /**
   * History after `from` (default "start"), then live: in order, no gap, no repeat. Ends when `signal` aborts. A project
   * that is not there is waited for.
   */
  subscribe(options?: SubscribeOptions): AsyncIterable<RecordedEvent>;

  /**
   * Durable subscriptions: `subscriptions.run({ name, handle })` goes on where that name stopped, in whatever process,
   * and handles every event at least once, in order; what cannot be handled is parked.
   */
  readonly subscriptions: DurableSubscriptions;

  /** Signed HTTP requests to whoever wants to know of events; they are sent while somebody runs `webhooks.run()`. */
  readonly webhooks: LedgerWebhooks;

  /**
   * Keeps the active model at hand: `follower.current` is a property read, "change" tells of each deployment. A project
   * that is not there is waited for; `current` is undefined until something is deployed.
   */
  follow(project: string, options?: FollowOptions): Promise<Follower>;

  /** Recomputes the hash chains of one project or of all, up to the first event that breaks one. */
  verify(options?: VerifyOptions): Promise<Verification>;

  /**
   * Verifies every chain and signs the head of the Merkle tree (RFC 6962) over all events, in the checkpoint format of
   * C2SP. Keep it where nobody who writes the ledger can reach it, and hand it to `verify` later. CORRUPT, and nothing
   * signed, when a chain is broken.
   */
  checkpoint(options: CheckpointOptions): Promise<SignedCheckpoint>;

  /**
   * A file that proves a deployment to be in the log, under a checkpoint that is signed for it: `verifyProof` checks it
   * without the ledger. Reads the whole log. CORRUPT when a chain is broken.
   */
  proveInclusion(options: ProofOptions): Promise<string>;

  /** A file that proves the log of one checkpoint to begin with all of another's; for `verifyProof`. */
  proveConsistency(options: ConsistencyOptions): Promise<string>;

  /**
   * A deployment's event, the proof that it is in the log, and its explanation in one signed file, for `verifyProof`: any
   * byte that is changed in it is found.
   */
  receipt(options: ProofOptions): Promise<string>;

  /**
   * The recorded events of one project or of all as NDJSON, a line (without its line feed) at a time, in the order of
   * the log and in constant memory. `verifyExport` recomputes their chains without the ledger.
   */
  export(options?: ExportOptions): AsyncIterable<string>;

  /**
   * Restores an export: the same ids, revisions and hashes. `open` gives its lines and is called twice: all of it is
   * verified, and compared with what is here, before the first event is written. What is here already is passed over,
   * so an import that was interrupted goes on when it is repeated. CORRUPT for a bad export and CONFLICT where a project
   * holds something else; then nothing was written.
   */
  import(open: () => AsyncIterable<string>, options?: ImportOptions): Promise<Imported>;

  /** Finishes what is under way and frees everything. */
  close(): Promise<void>;
}
