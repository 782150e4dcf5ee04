import type { DecisionData, ModelDeployedData, PolicyData, Strategy } from "../events/events.ts";
import type { Task } from "../events/tasks.ts";
import type { ActiveModel } from "../ledger/active-model.ts";

/** What the read model's thread is asked and answers. Events travel as flat arrays, as those of the store do. */
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
export type Answer = readonly string[] | undefined;

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
  /** Projects after the one with this number. */
  readonly projects: (at: Checkpoint, after: number, limit: number) => Answer;
  readonly active: (at: Checkpoint, request: ActiveRequest) => Answer;
  readonly close: () => void;
};

/** position, stream, revision, id, type, data, metadata */
export const EVENT_CELLS = 7;

/**
 * A row of an answer, which travels as JSON text: SQLite makes it, and a text goes to another thread in a tenth of the time
 * that its cells would take. In it are the columns, then those that hold JSON already.
 */
type Row<Columns extends readonly (Cell | undefined)[], Json extends readonly unknown[]> = readonly [
  columns: Columns,
  ...json: Json,
];

/** What SQL selects for a {@link Row}. */
export const rowText = (columns: readonly string[], json: readonly string[]): string =>
  `concat('[', json_array(${columns.join(", ")}), ${json.map((column) => `',', ifnull(${column}, 'null')`).join(", ")}, ']')`;

export type DeploymentCells = Row<
  readonly [
    ...[position: string, project: string, environment: string, number: number, deploymentId: string],
    ...[modelId: string, version: number, algorithm: string, strategy: Strategy, actor: string],
    ...[reason: string | null, deployedAt: string, recordedAt: string, revision: number],
  ],
  readonly [rest: DeploymentRest]
>;

/** What of a deployment nothing is searched by. */
export interface DeploymentRest {
  readonly algorithmFilter?: string;
  readonly replaces?: NonNullable<ModelDeployedData["replaces"]>;
  readonly replays?: string;
  readonly promotedFrom?: string;
  readonly decision: DecisionData;
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string;
}

export type ProjectCells = Row<
  readonly [
    ...[id: number, name: string, task: Task | null, models: number, retired: number, deployments: number],
    ...[revision: number, recordedAt: string],
  ],
  readonly [policy: PolicyData]
>;

export type ActiveCells = Row<
  readonly [
    ...[projectId: number, environment: string, project: string, deploymentId: string, number: number],
    ...[modelId: string, version: number, algorithm: string, strategy: Strategy, deployedAt: string],
    ...[recordedAt: string, actor: string, reason: string | null, revision: number, trainedAt: string, task: Task],
    /** Of the past alone: as the deployment recorded it. */
    score?: number | null,
  ],
  readonly [metrics: ActiveModel["metrics"], artifact: NonNullable<ActiveModel["artifact"]> | null, policy: PolicyData]
>;
