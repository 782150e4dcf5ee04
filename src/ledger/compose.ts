import { hash } from "node:crypto";
import { v5 } from "uuid";
import type { ProjectState } from "../../projections/project.ts";
import type { Command } from "../domain/commands.ts";
import { LedgerError } from "../errors.ts";
import type { EventMetadata, LedgerEvent, RecordedEvent } from "../events/events.ts";
import { streamOf } from "../events/names.ts";
import { SCHEMA_VERSION } from "../events/upcast.ts";
import type { Runtime } from "../runtime.ts";
import type { NewEvent } from "../store/event-store.ts";
import { currentTrace } from "../tracing.ts";
import { canonical, link, withHash } from "./hash-chain.ts";
import type { Folded } from "./project-cache.ts";

/** The namespace of event ids that are derived from a caller's commandId: a repeated command has the same ids. */
const EVENT_IDS = "c7c9ef6e-3b0b-5d0f-9d3c-0d5f6a1f2b7e";

/** What one append to EventStoreDB can hold, and so the limit everywhere: a ledger can always move there. */
const MAX_APPEND_BYTES = 1_048_576;

/** Who wants what, and the ids that go with it. */
export interface Intent {
  readonly commandId: string;
  /** There when the caller chose the commandId: tells a repeated command from another one with its id. */
  readonly digest: string | undefined;
  readonly actor: string;
  readonly reason: string | undefined;
  readonly correlationId: string;
  readonly causationId: string;
  readonly eventId: (index: number) => string;
}

export function intentOf(command: Command, runtime: Runtime, defaultActor: string): Intent {
  const { project, commandId: given } = command;
  const commandId = given ?? runtime.newId();
  return {
    commandId,
    digest: given === undefined ? undefined : digestOf(command),
    actor: command.actor ?? defaultActor,
    reason: command.reason,
    correlationId: command.correlationId ?? commandId,
    causationId: command.causationId ?? commandId,
    eventId: (index) =>
      given === undefined ? runtime.newId() : v5(JSON.stringify([project, commandId, index]), EVENT_IDS),
  };
}

/** SHA-256 of what is asked for, after defaults; not of who asks, nor of how the asking is traced. */
function digestOf(command: Command): string {
  const { commandId, actor, correlationId, causationId, dryRun, expectedRevision, ...asked } = command;
  const expected = expectedRevision === undefined ? {} : { expectedRevision: String(expectedRevision) };
  return hash("sha256", canonical({ ...asked, ...expected }), "hex");
}

/**
 * The events that state `facts`, chained to the project's last one, and the same as text for the store.
 * @throws {LedgerError} TOO_LARGE when they do not fit in one append.
 */
export function compose(
  facts: readonly LedgerEvent[],
  intent: Intent,
  { project, state, revision }: Folded<ProjectState>,
  recordedAt: string,
): { readonly events: readonly RecordedEvent[]; readonly proposed: readonly NewEvent[] } {
  const stream = streamOf(project);
  const events: RecordedEvent[] = [];
  const proposed: NewEvent[] = [];
  let previous = state.hash;
  let bytes = 0;
  const traced = currentTrace();
  for (const fact of facts) {
    const id = intent.eventId(events.length);
    const unsealed: Omit<EventMetadata, "hash"> = {
      commandId: intent.commandId,
      ...(intent.digest !== undefined && { commandDigest: intent.digest }),
      actor: intent.actor,
      ...(intent.reason !== undefined && { reason: intent.reason }),
      correlationId: intent.correlationId,
      causationId: events[0]?.id ?? intent.causationId,
      recordedAt,
      schemaVersion: SCHEMA_VERSION,
      ...traced,
    };
    const data = canonical(fact.data);
    const metadata = canonical(unsealed);
    previous = link(previous, fact.type, data, metadata);
    const sealed = withHash(metadata, previous);
    proposed.push({ id, type: fact.type, data, metadata: sealed });
    events.push({
      ...fact,
      id,
      metadata: { ...unsealed, hash: previous },
      stream,
      revision: revision + BigInt(proposed.length),
      position: "",
      recordedAt,
    });
    bytes += Buffer.byteLength(data) + Buffer.byteLength(sealed);
  }
  if (bytes > MAX_APPEND_BYTES) {
    throw new LedgerError(
      "TOO_LARGE",
      `the command makes ${bytes} bytes of events, and ${MAX_APPEND_BYTES} is the limit: keep large things outside and record their uri and digest`,
      { bytes, limit: MAX_APPEND_BYTES },
    );
  }
  return { events, proposed };
}
