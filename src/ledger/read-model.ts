import type { PolicyData, Strategy } from "../events/events.ts";
import type { Task } from "../events/tasks.ts";
import type { Deployment, DeploymentSearch } from "./deployments.ts";

/** What was active in one environment of one project, and the model's own facts. */
export interface ActiveRow {
  readonly project: string;
  readonly environment: string;
  readonly deployment: {
    readonly deploymentId: string;
    readonly number: number;
    readonly modelId: string;
    readonly version: number;
    readonly algorithm: string;
    readonly strategy: Strategy;
    readonly deployedAt: string;
    readonly recordedAt: string;
    readonly actor: string;
    /** Where the past is asked for: as the deployment recorded it. */
    readonly score?: number | null;
    readonly reason?: string;
    readonly revision: number;
  };
  readonly model: {
    readonly metrics: Readonly<Record<string, number>>;
    readonly artifact?: { readonly uri: string; readonly digest?: string | undefined };
    readonly trainedAt: string;
  };
  readonly task: Task;
  /** What the project has set of its own. */
  readonly policy: PolicyData;
}

export interface ProjectRow {
  readonly project: string;
  readonly task: Task | null;
  readonly policy: PolicyData;
  readonly models: number;
  readonly retired: number;
  readonly deployments: number;
  readonly active: readonly ActiveRow[];
  readonly recordedAt: string;
  readonly revision: bigint;
}

export interface ActiveQuery {
  readonly environment?: string | undefined;
  /** Now, unless one is given; what happened at that very moment counts. */
  readonly at?: { readonly time: string } | { readonly position: string } | undefined;
  readonly by: "recordedAt" | "deployedAt";
}

/** How much of a list is read. */
interface ReadPart {
  /** Infinity for all. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What answers questions across projects from tables instead of the log. It is a copy that can be lost at any time.
 * Every answer holds all that was committed, by anybody, before the first row was asked for.
 */
export interface ReadModel {
  /**
   * Takes in what was committed before the call, unless that is more than `maxEvents`; then some of it, so that the
   * next call has less to do.
   * @returns whether nothing is left.
   */
  catchUp(maxEvents?: number): Promise<boolean>;

  deployments(search: DeploymentSearch): AsyncIterable<Deployment>;

  /** In the order of their beginnings. */
  projects(signal?: AbortSignal): AsyncIterable<ProjectRow>;

  /** In the order of the projects' beginnings, then by environment. */
  activeModels(query: ActiveQuery, options: ReadPart): AsyncIterable<ActiveRow>;

  close(): Promise<void>;
}
