import { z } from "zod";
import {
  type DeploymentHistory,
  evolveDeploymentHistory,
  initialDeploymentHistory,
  type PastDeployment,
} from "../../projections/deployment-history.ts";
import { type Dictionary, enter, lookUp } from "../../projections/dictionary.ts";
import { Moment, RevisionRef } from "../domain/commands.ts";
import { type PlacedEvent, ProjectCache } from "../ledger/project-cache.ts";
import type { EventStore } from "../store/event-store.ts";

/** A moment of a project's past: a time, a revision of its stream, or a position in the log; what happened there counts. */
export const At = z.union(
  [
    Moment.transform((time) => ({ time })),
    z.strictObject({ revision: RevisionRef }),
    z.strictObject({ position: z.string().regex(/^[0-9A-Za-z_-]+$/) }),
  ],
  { error: "must be a Date, an ISO 8601 time, { revision } or { position }" },
);
export type At = z.input<typeof At>;

/**
 * The clock that questions about the past go by: `recordedAt` is the ledger's, never goes back within a project and
 * fixes every answer once given; `deployedAt` is the caller's word. Deployments of one time are ordered as the log is.
 */
export const Clock = z.enum(["recordedAt", "deployedAt"]);
export type Clock = z.output<typeof Clock>;

/** A deployment of the past, and the score that decided it: today's key metric has no say in what was. */
export interface DecidedDeployment extends PastDeployment {
  readonly score: number | null;
}

/** An environment's deployments beside those of the fold: what each stands at and scored, and the caller's order. */
interface Places {
  readonly positions: string[];
  readonly scores: (number | null)[];
  readonly byDeployedAt: PastDeployment[];
  /** Some were said to have taken place before one that was recorded earlier. */
  isUnsorted: boolean;
}

interface PlacedHistory {
  readonly history: DeploymentHistory;
  readonly places: Dictionary<Places>;
  count: number;
}

/** How many deployments of how many projects are kept for questions about the past. */
const MAX_WEIGHT = 2_000_000;

/** What was active when. */
export class AsOf {
  readonly #cache: ProjectCache<PlacedHistory>;

  constructor(store: EventStore) {
    this.#cache = new ProjectCache(store, {
      maxWeight: MAX_WEIGHT,
      fold: {
        initial: () => ({ history: initialDeploymentHistory(), places: {}, count: 0 }),
        evolve: place,
        weigh: (state) => state.count,
      },
    });
  }

  /** Every deployment of an environment by a clock, oldest first, with all that was committed before the call. */
  async deployments(project: string, environment: string, clock: Clock): Promise<readonly PastDeployment[]> {
    const { state } = await this.#cache.fresh(project);
    return inOrder(state, environment, clock);
  }

  /** The deployment that was active, or undefined if there was none yet. */
  async activeAt(
    project: string,
    environment: string,
    at: z.output<typeof At>,
    clock: Clock,
  ): Promise<DecidedDeployment | undefined> {
    const { state } = await this.#cache.fresh(project);
    const past = inOrder(state, environment, clock);
    const { positions = [], scores = [] } = lookUp(state.places, environment) ?? {};
    const found = past[countUntil(past.length, (index) => isBy(at, past[index], positions[index], clock)) - 1];
    return found && { ...found, score: scores[found.number - 1] ?? null };
  }
}

function place(state: PlacedHistory, event: PlacedEvent): PlacedHistory {
  evolveDeploymentHistory(state.history, event);
  if (event.type !== "ModelDeployed") return state;
  const { environment, decision } = event.data;
  const deployment = lookUp(state.history.environments, environment)?.at(-1);
  if (deployment === undefined) return state;
  let places = lookUp(state.places, environment);
  if (places === undefined) {
    places = { positions: [], scores: [], byDeployedAt: [], isUnsorted: false };
    enter(state.places, environment, places);
  }
  places.isUnsorted ||= deployment.deployedAt < (places.byDeployedAt.at(-1)?.deployedAt ?? "");
  places.positions.push(event.position);
  places.scores.push(decision.score);
  places.byDeployedAt.push(deployment);
  state.count += 1;
  return state;
}

function inOrder(state: PlacedHistory, environment: string, clock: Clock): readonly PastDeployment[] {
  if (clock === "recordedAt") return lookUp(state.history.environments, environment) ?? [];
  const places = lookUp(state.places, environment);
  if (places?.isUnsorted) {
    places.byDeployedAt.sort((a, b) => compare(a.deployedAt, b.deployedAt) || a.revision - b.revision);
    places.isUnsorted = false;
  }
  return places?.byDeployedAt ?? [];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `clock` is the recorded one where `at` is no time. */
function isBy(
  at: z.output<typeof At>,
  deployment: PastDeployment | undefined,
  position: string | undefined,
  clock: Clock,
): boolean {
  if (deployment === undefined || position === undefined) return false;
  if ("time" in at) return deployment[clock] <= at.time;
  if ("revision" in at) return BigInt(deployment.revision) <= at.revision;
  return position <= at.position;
}

/** How many of the first indices hold, given that once one does not, none after it does. */
function countUntil(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
