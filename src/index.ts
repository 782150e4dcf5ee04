export type {
  ActiveModelOptions,
  CheckpointOptions,
  ConsistencyOptions,
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
  ProofOptions,
  RecordTrainingInput,
  ReinstateModelInput,
  RetireModelInput,
  RollbackInput,
  SetPolicyInput,
  SubscribeOptions,
  TimelineOptions,
  VerifyOptions,
} from "./api/ledger.ts";
export type { ActiveModelsFilter } from "./audit/active-models.ts";
export type { Checked } from "./audit/checkpoint-check.ts";
export { cloudEventOf, type DeploymentCdEvent, type DeploymentCloudEvent } from "./audit/cloud-events.ts";
export type { Cause, Compared, Contender, Explanation, TrainingExplanation } from "./audit/explanation.ts";
export { EXPORT_FORMATS, type ExportFormat, exportDeployments } from "./audit/export-deployments.ts";
export type { Imported } from "./audit/import.ts";
export type { SignedCheckpoint } from "./audit/sign-checkpoint.ts";
export { generateKeys } from "./audit/signed-note.ts";
export type { TimelineEntry } from "./audit/timeline.ts";
export type { Against, Broken, Verification } from "./audit/verify.ts";
export { verifyExport } from "./audit/verify-export.ts";
export { type ProofCheck, verifyProof } from "./audit/verify-proof.ts";
export type { Policy } from "./domain/policy.ts";
export type { Served, WhatIf, WhatIfRow, WhatIfRule } from "./domain/what-if.ts";
export { LedgerError, type LedgerErrorCode } from "./errors.ts";
export type {
  DecisionData,
  EventMetadata,
  EventType,
  LedgerEvent,
  RecordedEvent,
  Strategy,
} from "./events/events.ts";
export { type Goal, TASKS, type Task } from "./events/tasks.ts";
export type { ActiveModel } from "./ledger/active-model.ts";
export type { Deployment, DeploymentsFilter } from "./ledger/deployments.ts";
export type { ReadOptions } from "./ledger/positions.ts";
export type {
  LeaderboardEntry,
  LeaderboardFilter,
  ModelEntry,
  ModelsFilter,
  ProjectSummary,
} from "./ledger/queries.ts";
export type { DeploymentResult, PolicyResult, RetirementResult, TrainingResult } from "./ledger/results.ts";
export type { Rows } from "./ledger/rows.ts";
export { openLedger } from "./open-ledger.ts";
export { type Runtime, systemRuntime } from "./runtime.ts";
export type { ParkedEvent } from "./subscriptions/parked.ts";
export type { Attempt, Observation } from "./subscriptions/reader.ts";
export type { ParkedOptions, SubscriptionOptions, SubscriptionSummary } from "./subscriptions/subscriptions.ts";
export type { Delivery, DeliveryAttempt } from "./subscriptions/webhooks/delivery-log.ts";
export type { WebhookDelivery } from "./subscriptions/webhooks/newest-first.ts";
export type { WebhookInput, WebhookSummary } from "./subscriptions/webhooks/registration.ts";
export type {
  DeliveriesFilter,
  RedeliverOptions,
  Redelivery,
  WebhookRun,
  WebhookStatus,
} from "./subscriptions/webhooks/webhooks.ts";
