import { z } from "zod";
import {
  type DeploymentHistory,
  evolveDeploymentHistory,
  initialDeploymentHistory,
  type PastDeployment,
} from "../../projections/deployment-history.ts";
import { lookUp } from "../../projections/dictionary.ts";
import { Moment } from "../domain/commands.ts";
import { ProjectCache } from "../ledger/project-cache.ts";
import type { EventStore } from "../store/event-store.ts";

/** A moment of a project's past: a time, a revision of its stream, or a position in the log; what happened there counts. */
export const At = z.union(
  [
    Moment.transform((time) => ({ time })),
    z.strictObject({
      revision: z.union([z.bigint(), z.int().transform(BigInt)]).refine((n) => n >= 0n, "must be 0 or more"),
    }),
    z.strictObject({ position: z.string().regex(/^[0-9A-Za-z_-]+$/) }),
  ],
  { error: "must be a Date, an ISO 8601 time, { revision } or { position }" },
);
export type At = z.input<typeof At>;

/** The history and, beside each deployment, where its event stands in the log. */
interface PlacedHistory {
  readonly history: DeploymentHistory;
  readonly positions: Map<string, string[]>;
  count: number;
}

/** How many deployments of how many projects are kept for questions about the past. */
const MAX_WEIGHT = 2_000_000;

/** What was active when. Recorded time decides: it never goes back within a stream, whatever a clock did. */
export class AsOf {
  readonly #cache: ProjectCache<PlacedHistory>;

  constructor(store: EventStore) {
    this.#cache = new ProjectCache(store, {
      maxWeight: MAX_WEIGHT,
      fold: {
        initial: () => ({ history: initialDeploymentHistory(), positions: new Map(), count: 0 }),
        evolve(state, event) {
          evolveDeploymentHistory(state.history, event);
          if (event.type !== "ModelDeployed") return state;
          const placed = state.positions.get(event.data.environment) ?? [];
          placed.push(event.position);
          state.positions.set(event.data.environment, placed);
          state.count += 1;
          return state;
        },
        weigh: (state) => state.count,
      },
    });
  }

  /** Every deployment of an environment, oldest first, with all that was committed before the call. */
  async deployments(project: string, environment: string): Promise<readonly PastDeployment[]> {
    const { state } = await this.#cache.fresh(project);
    return lookUp(state.history.environments, environment) ?? [];
  }

  /** The deployment that was active, or undefined if there was none yet. */
  async activeAt(project: string, environment: string, at: z.output<typeof At>): Promise<PastDeployment | undefined> {
    const { state } = await this.#cache.fresh(project);
    const past = lookUp(state.history.environments, environment) ?? [];
    const positions = state.positions.get(environment) ?? [];
    return past[countUntil(past.length, (index) => isBy(at, past[index], positions[index])) - 1];
  }
}

function isBy(at: z.output<typeof At>, deployment: PastDeployment | undefined, position: string | undefined): boolean {
  if (deployment === undefined || position === undefined) return false;
  if ("time" in at) return deployment.recordedAt <= at.time;
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
