import type { ReadReq } from "@eventstore/db-client/generated/streams_pb.js";
import { pause, type Runtime } from "../../runtime.ts";
import type { StoredEvent, SubscribeOptions } from "../event-store.ts";
import { type Connection, connect, type Opened, type ReadCall } from "./connection.ts";
import type { EventStoreDbTarget } from "./connection-string.ts";
import { isPassing, NoAnswer, toLedgerError } from "./errors.ts";
import type { StreamNames } from "./names.ts";
import { pauseMs } from "./retry.ts";
import {
  logSubscriptionRequest,
  parsePosition,
  type Recorded,
  recordedEvent,
  storedEvent,
  streamSubscriptionRequest,
} from "./wire.ts";

/** A connection has 100 streams by the server's default; beyond them every call on it would wait for ever. */
const MAX_SUBSCRIPTIONS_A_CONNECTION = 80;

/** Where a subscription begins: after a revision of a stream or a position of the log; `undefined`: at the beginning. */
export type Place =
  | { readonly stream: string; readonly revision: bigint | undefined }
  | { readonly stream?: undefined; readonly position: bigint | undefined };

/** Who wants to know whether the server is there. */
type Told = Pick<SubscribeOptions, "onLost" | "onHeard">;

export interface Subscriptions {
  /** Events after the place until `ended`; a call that breaks is opened again after the last event. */
  follow(after: Place, ended: AbortSignal, told: Told): AsyncGenerator<StoredEvent>;
  close(): void;
}

interface Group {
  readonly connection: Connection;
  members: number;
}

/** Subscriptions travel over connections of their own, so that no number of them keeps an append or a read waiting. */
export function subscriptions(target: EventStoreDbTarget, names: StreamNames, runtime: Runtime): Subscriptions {
  const groups = new Set<Group>();
  const closing = new AbortController();

  function join(): Group {
    for (const group of groups) {
      if (group.members < MAX_SUBSCRIPTIONS_A_CONNECTION) {
        group.members += 1;
        return group;
      }
    }
    const group = { connection: connect(target, "preferred node", runtime), members: 1 };
    groups.add(group);
    return group;
  }

  function leave(group: Group): void {
    group.members -= 1;
    if (group.members > 0) return;
    groups.delete(group);
    group.connection.close();
  }

  async function* follow(after: Place, ended: AbortSignal, told: Told): AsyncGenerator<StoredEvent> {
    const over = AbortSignal.any([ended, closing.signal]);
    let place = after;
    const group = join();
    const lost = (error: unknown): void => told.onLost?.(toLedgerError(error, target.address));
    try {
      for (let failures = 0; !over.aborted; failures++) {
        if (failures > 0) await pause(pauseMs(failures, runtime), runtime, over);
        if (over.aborted) return;
        const stopWaiting = runtime.after(target.deadlineMs, () => lost(new NoAnswer(target.deadlineMs)));
        const onHeard = (): void => {
          stopWaiting();
          told.onHeard?.();
        };
        try {
          for await (const recorded of live(group.connection, requestFor(place, names), over, onHeard)) {
            failures = 0;
            const event = storedEvent(recorded, names.inLedger);
            if (!isAfter(event, place)) continue;
            place = placeOf(event, place);
            yield event;
          }
        } catch (error) {
          if (over.aborted) return;
          if (!isPassing(error)) throw toLedgerError(error, target.address);
          lost(error);
        } finally {
          stopWaiting();
        }
      }
    } finally {
      leave(group);
    }
  }

  return {
    follow,
    close() {
      closing.abort();
    },
  };
}

/** The events of one call. Node's stream holds 16 of them and HTTP/2 its window: no more is sent until they are read. */
async function* live(
  connection: Connection,
  request: ReadReq,
  over: AbortSignal,
  onHeard: () => void,
): AsyncGenerator<Recorded> {
  const opened: Opened<ReadCall> = await connection.openSubscription(request);
  const { call } = opened;
  const cancel = (): void => {
    setImmediate(() => call.cancel());
  };
  over.addEventListener("abort", cancel);
  try {
    if (over.aborted) return;
    for await (const answer of call) {
      onHeard();
      const event = recordedEvent(answer);
      if (event) yield event;
    }
  } finally {
    over.removeEventListener("abort", cancel);
    cancel();
  }
}

const requestFor = (place: Place, { prefix, onServer }: StreamNames): ReadReq =>
  place.stream === undefined
    ? logSubscriptionRequest(prefix, place.position)
    : streamSubscriptionRequest(onServer(place.stream), place.revision);

const placeOf = (event: StoredEvent, { stream }: Place): Place =>
  stream === undefined ? { position: parsePosition(event.position) } : { stream, revision: event.revision };

function isAfter(event: StoredEvent, place: Place): boolean {
  if (place.stream !== undefined) return place.revision === undefined || event.revision > place.revision;
  return place.position === undefined || parsePosition(event.position) > place.position;
}
