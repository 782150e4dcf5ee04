import type { StoredEvent } from "../event-store.ts";

/** What a slow subscriber may have waiting; beyond it, it reads from the file again. */
const MAX_WAITING_EVENTS = 1024;
const MAX_WAITING_LENGTH = 8 * 1024 * 1024;

/** Where one subscriber gets what is committed from the moment it sat down. */
export interface Seat {
  /** Too much came: what was waiting is gone, and nothing more comes. */
  readonly hasOverflowed: boolean;
  /** @throws what reading the file threw. */
  take(): StoredEvent | undefined;
  /** Resolves when there is something to take, or a reason to stop waiting. */
  next(ended: AbortSignal): Promise<void>;
  leave(): void;
}

/** The other side of a seat. */
export interface SeatKeeper {
  readonly seat: Seat;
  offer(event: StoredEvent): void;
  fail(error: unknown): void;
  wake(): void;
}

export function seat(stream: string | undefined, onLeave: () => void): SeatKeeper {
  let waiting: StoredEvent[] = [];
  let length = 0;
  let hasOverflowed = false;
  let failure: { readonly error: unknown } | undefined;
  let wakeSleeper: (() => void) | undefined;

  const wake = (): void => wakeSleeper?.();

  return {
    seat: {
      get hasOverflowed() {
        return hasOverflowed;
      },
      take() {
        if (failure) throw failure.error;
        const event = waiting.shift();
        if (event) length -= event.data.length + event.metadata.length;
        return event;
      },
      next(ended) {
        return new Promise((resolve) => {
          function done(): void {
            wakeSleeper = undefined;
            ended.removeEventListener("abort", done);
            resolve();
          }
          wakeSleeper = done;
          ended.addEventListener("abort", done);
          if (waiting.length > 0 || hasOverflowed || failure || ended.aborted) done();
        });
      },
      leave: onLeave,
    },
    offer(event) {
      if (hasOverflowed || (stream !== undefined && event.stream !== stream)) return;
      waiting.push(event);
      length += event.data.length + event.metadata.length;
      if (waiting.length > MAX_WAITING_EVENTS || length > MAX_WAITING_LENGTH) {
        hasOverflowed = true;
        waiting = [];
      }
      wake();
    },
    fail(error) {
      failure = { error };
      wake();
    },
    wake,
  };
}
