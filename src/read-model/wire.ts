/** What the read model's thread is asked and answers. Rows travel as flat arrays, as those of the store do. */
export type Cell = string | number | null;

/** How far the tables are, and of which ledger they are a copy. */
export interface Checkpoint {
  /** The id of the log's first event: another ledger has another. */
  readonly ledger: string;
  /** Of the last event taken in; with the rest it says whether the log still has it. */
  readonly position: string;
  readonly stream: string;
  readonly revision: number;
  readonly event: string;
}

export interface SearchRequest {
  readonly project?: string | undefined;
  readonly environment?: string | undefined;
  readonly actor?: string | undefined;
  readonly strategy?: string | undefined;
  readonly algorithm?: string | undefined;
  readonly modelId?: string | undefined;
  readonly artifactDigest?: string | undefined;
  /** As `searchable` has it. */
  readonly reason?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly descending: boolean;
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface ActiveRequest {
  readonly environment?: string | undefined;
  readonly time?: string | undefined;
  readonly position?: string | undefined;
  readonly by: "recordedAt" | "deployedAt";
  /** Only projects and environments after this one. */
  readonly afterProject: number;
  readonly afterEnvironment: string;
  readonly limit: number;
}

/** `undefined` in place of an answer: the tables are not where the caller thinks, who must catch up again. */
export type Answer = readonly Cell[] | undefined;

export type Indexer = {
  /** Opens or makes the tables and says how far they are; undefined when nothing was taken in yet. */
  readonly open: () => Checkpoint | undefined;
  /**
   * Takes in events, {@link EVENT_CELLS} cells each, that come right after `from` (undefined: the first ones), unless
   * somebody else did.
   * @returns how far the tables are now.
   */
  readonly take: (ledger: string, from: string | undefined, events: readonly Cell[]) => Checkpoint | undefined;
  /** The log has no more: tables of older versions of the program are not needed any longer. */
  readonly complete: () => void;
  /** Forgets everything, if `found` is still what it holds. */
  readonly reset: (found: Checkpoint) => void;
  readonly search: (at: Checkpoint, request: SearchRequest) => Answer;
  /** Projects after the one with this number, {@link PROJECT_CELLS} cells each. */
  readonly projects: (at: Checkpoint, after: number, limit: number) => Answer;
  readonly active: (at: Checkpoint, request: ActiveRequest) => Answer;
  readonly close: () => void;
};

/** position, stream, revision, id, type, data, metadata */
export const EVENT_CELLS = 7;

/**
 * position, project, environment, number, deploymentId, modelId, version, algorithm, strategy, actor, reason,
 * deployedAt, recordedAt, revision, rest
 */
export const DEPLOYMENT_CELLS = 15;

/** id, name, task, policy, models, retired, deployments, revision, recordedAt */
export const PROJECT_CELLS = 9;

/**
 * project id, project, environment, deploymentId, number, modelId, version, algorithm, strategy, deployedAt,
 * recordedAt, actor, reason, revision, metrics, artifact, trainedAt, task, policy, and for the past the score, as JSON
 */
export const ACTIVE_CELLS = 20;
