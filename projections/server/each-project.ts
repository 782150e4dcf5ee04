import { upcast } from "../../src/events/upcast.ts";
import type { FoldedEvent } from "../active-models.ts";

/** What the projection engine of EventStoreDB hands to a script, as far as these use it. */
declare const fromCategory: (category: string) => { foreachStream(): { when(handlers: object): Projection<never> } };

interface Projection<State> {
  /** Writes the state, each time it changed, to the stream `$projections-<name>-<stream>-result`. */
  outputState(): void;
  /** Writes what `show` makes of the state instead. */
  transformBy(show: (state: State) => object): void;
}

interface ServerEvent {
  readonly eventType: string;
  readonly data: object;
  readonly metadata: FoldedEvent["metadata"] & { readonly schemaVersion: number };
  /** The revision in the project's stream. */
  readonly sequenceNumber: number;
}

/** The same event as in process: `recorded()` and `foldedEvent()` in one. */
const foldedEvent = ({ eventType, data, metadata, sequenceNumber }: ServerEvent) =>
  ({
    type: eventType,
    data: upcast(eventType, data, metadata.schemaVersion),
    metadata,
    revision: sequenceNumber,
  }) as FoldedEvent;

/** Runs a fold on every project's stream, each with a state of its own. Every event is folded, known or not. */
export function eachProject<State>(
  initial: () => State,
  evolve: (state: State, event: FoldedEvent) => State,
): Projection<State> {
  return fromCategory("modelLedger")
    .foreachStream()
    .when({ $init: initial, $any: (state: State, event: ServerEvent) => evolve(state, foldedEvent(event)) });
}
