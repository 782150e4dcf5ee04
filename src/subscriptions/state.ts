import { z } from "zod";

/**
 * What the store keeps of a subscription, in one document: whoever moves the checkpoint shows by the same write that
 * nobody took the lease in between.
 */
const Lease = z.object({
  /** New for each time that it is taken. */
  holder: z.string(),
  /** Who that is, for people. */
  by: z.string(),
  /** By the clock of the holder, in ms since 1970. */
  until: z.number(),
  durationMs: z.number(),
});
export type Lease = Readonly<z.infer<typeof Lease>>;

const Attempts = z.object({
  /** Of the event that was tried; it comes after the checkpoint. */
  position: z.string(),
  count: z.number(),
  /** How often a reader ended, without giving its lease back, while this event was next. */
  deaths: z.number(),
  error: z.string(),
});
export type Attempts = Readonly<z.infer<typeof Attempts>>;

export const SubscriptionState = z.object({
  lease: Lease.nullable(),
  /** The position that is finished; null before the first event of all. */
  checkpoint: z.string().nullable(),
  attempts: Attempts.nullable(),
  /** Events handled or parked so far. */
  finished: z.number(),
  /** Somebody removed it: whoever waits for its lease must not take it. */
  isRemoved: z.boolean().optional(),
});
export type SubscriptionState = Readonly<z.infer<typeof SubscriptionState>>;

/** Whether somebody else may take the lease: its time is over, or its holder did nothing for as long as it lasts. */
export const isFree = (lease: Lease | null, now: number, unchangedMs: number): boolean =>
  lease === null || now > lease.until || unchangedMs >= lease.durationMs;

export const withLease = (state: SubscriptionState, lease: Lease | null): SubscriptionState => ({ ...state, lease });

/** What lies up to `position` is finished. */
export function finishedAt(state: SubscriptionState, position: string, events: number): SubscriptionState {
  if (state.checkpoint !== null && state.checkpoint >= position) return state;
  return { ...state, checkpoint: position, attempts: null, finished: state.finished + events };
}

/** What became of the attempts at the event so far. */
export const attemptsAt = (state: SubscriptionState, position: string): Attempts =>
  state.attempts?.position === position ? state.attempts : { position, count: 0, deaths: 0, error: "" };

export const withAttempts = (state: SubscriptionState, attempts: Attempts): SubscriptionState => ({
  ...state,
  attempts,
});

/** Twice as long after each failure, and never the same for two. */
export function backOffMs(
  failures: number,
  { firstMs, maxMs }: { readonly firstMs: number; readonly maxMs: number },
  random: number,
): number {
  return Math.min(maxMs, firstMs * 2 ** (failures - 1)) * (0.5 + random / 2);
}
