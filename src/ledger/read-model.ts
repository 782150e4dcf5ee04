import type { PolicyData } from "../events/events.ts";
import type { Task } from "../events/tasks.ts";
import type { ActiveModel } from "./active-model.ts";
import type { Deployment, DeploymentSearch } from "./deployments.ts";

export interface ProjectRow {
  readonly project: string;
  readonly task: Task | null;
  readonly policy: PolicyData;
  readonly models: number;
  readonly retired: number;
  readonly deployments: number;
  readonly active: readonly ActiveModel[];
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
export interface ReadPart {
  /** All, unless one is given. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Defaults {
  /** The policy that holds where a project has set nothing. */
  readonly defaults: PolicyData;
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
  projects(options: Defaults & Pick<ReadPart, "signal">): AsyncIterable<ProjectRow>;

  /** In the order of the projects' beginnings, then by environment. */
  activeModels(query: ActiveQuery, options: Defaults & ReadPart): AsyncIterable<ActiveModel>;

  close(): Promise<void>;
}
