import type { PastDeployment } from "../../projections/deployment-history.ts";
import type { Clock } from "./as-of.ts";

/** A stretch of time in which one deployment was active: `[activeFrom, activeTo)`, null where it still is. */
export interface TimelineEntry {
  readonly model: { readonly modelId: string; readonly version: number; readonly algorithm: string };
  readonly deployment: Omit<PastDeployment, "modelId" | "version" | "algorithm" | "revision"> & {
    readonly revision: bigint;
  };
  readonly activeFrom: string;
  readonly activeTo: string | null;
}

interface Stretch {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** The clock that `past` is ordered by. */
  readonly by: Clock;
}

/**
 * The stretches that touch `[from, to)`, oldest first. They tile: each ends where the next begins, by one clock; one of
 * no length was replaced within its millisecond.
 */
export function timelineOf(past: readonly PastDeployment[], { from, to, by }: Stretch): TimelineEntry[] {
  return past
    .map(({ modelId, version, algorithm, revision, ...deployment }, index) => ({
      model: { modelId, version, algorithm },
      deployment: { ...deployment, revision: BigInt(revision) },
      activeFrom: deployment[by],
      activeTo: past[index + 1]?.[by] ?? null,
    }))
    .filter(({ activeFrom, activeTo }) => {
      const isOverBefore = from !== undefined && activeTo !== null && activeTo <= from && activeFrom < from;
      return !isOverBefore && (to === undefined || activeFrom < to);
    });
}
