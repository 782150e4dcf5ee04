import type { StoredEvent } from "../event-store.ts";
import { type Seat, type SeatKeeper, seat } from "./seat.ts";

export interface LiveTail {
  /**
   * Everything committed once the promise has resolved comes to the seat, in order; some of what came shortly before
   * may come too. `stream`: only that one's events.
   */
  join(stream: string | undefined): Promise<Seat>;
  /** Something may have been committed. */
  wake(): void;
  /** Wakes all who wait; nothing comes any more. */
  close(): void;
}

export interface TailSource {
  readonly lastPosition: () => Promise<string>;
  readonly readAfter: (position: string) => AsyncIterable<StoredEvent>;
  /** Begins to look for other processes' commits; gives what stops it. */
  readonly watch: (onChange: () => void) => () => void;
}

/**
 * One reader of new events for all the subscribers of a store: a commit is read once, however many listen. While
 * nobody listens it does nothing.
 */
export function liveTail(source: TailSource): LiveTail {
  const seats = new Set<SeatKeeper>();
  let distribution: Distribution | undefined;

  function start(): Distribution {
    return distribute(
      source,
      (event) => {
        for (const listener of seats) listener.offer(event);
      },
      (error) => {
        for (const listener of seats) listener.fail(error);
        stop();
      },
    );
  }

  function stop(): void {
    distribution?.stop();
    distribution = undefined;
  }

  return {
    async join(stream) {
      const keeper = seat(stream, () => {
        seats.delete(keeper);
        if (seats.size === 0) stop();
      });
      seats.add(keeper);
      try {
        distribution ??= start();
        await distribution.isReady;
        return keeper.seat;
      } catch (error) {
        keeper.seat.leave();
        stop();
        throw error;
      }
    },
    wake() {
      distribution?.wake();
    },
    close() {
      stop();
      for (const { wake } of seats) wake();
    },
  };
}

interface Distribution {
  /** From then on nothing is missed. */
  readonly isReady: Promise<void>;
  wake(): void;
  stop(): void;
}

function distribute(
  { lastPosition, readAfter, watch }: TailSource,
  offer: (event: StoredEvent) => void,
  fail: (error: unknown) => void,
): Distribution {
  let last = "";
  let isStale = false;
  let isReading = false;
  let isStopped = false;
  const unwatch = watch(wake); // before the position is asked for: what comes in between is seen twice, not never
  const isReady = lastPosition().then((position) => {
    last = position;
  });

  function wake(): void {
    isStale = true;
    if (!isReading) void readNewEvents();
  }

  async function readNewEvents(): Promise<void> {
    isReading = true;
    try {
      await isReady;
      while (isStale && !isStopped) {
        isStale = false;
        for await (const event of readAfter(last)) {
          if (isStopped) return;
          last = event.position;
          offer(event);
        }
      }
    } catch (error) {
      if (!isStopped) fail(error);
    } finally {
      isReading = false;
    }
  }

  return {
    isReady,
    wake,
    stop() {
      isStopped = true;
      unwatch();
    },
  };
}
