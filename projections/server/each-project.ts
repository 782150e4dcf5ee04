import { parseJson } from "../../src/events/parse-json.ts";
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
  /** The JSON texts. What the engine makes of them itself is not used: it stops at a text that it cannot read. */
  readonly bodyRaw: string;
  readonly metadataRaw: string;
  /** The revision in the project's stream. */
  readonly sequenceNumber: number;
}

type Metadata = FoldedEvent["metadata"] & { readonly schemaVersion: number };

/** The engine's JSON.parse knows no line separator in a text, and no name with a line feed or the like. */
const parsed = (text: string): unknown =>
  parseJson(text.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029"));

/** The same event as in process: `recorded()` and `foldedEvent()` in one. */
function foldedEvent({ eventType, bodyRaw, metadataRaw, sequenceNumber }: ServerEvent): FoldedEvent {
  const metadata = parsed(metadataRaw) as Metadata;
  const data = upcast(eventType, parsed(bodyRaw) as object, metadata.schemaVersion);
  return { type: eventType, data, metadata, revision: sequenceNumber } as FoldedEvent;
}

/** Runs a fold on every project's stream, each with a state of its own. Every event is folded, known or not. */
export function eachProject<State>(
  initial: () => State,
  evolve: (state: State, event: FoldedEvent) => State,
): Projection<State> {
  return fromCategory("modelLedger")
    .foreachStream()
    .when({ $init: initial, $any: (state: State, event: ServerEvent) => evolve(state, foldedEvent(event)) });
}
