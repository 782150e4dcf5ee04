import { type ProjectState, revisionOfCommand } from "../../projections/project.ts";
import type { Command } from "../domain/commands.ts";
import { decide } from "../domain/decide.ts";
import type { Accepted, Outcome } from "../domain/outcome.ts";
import { LedgerError, refuseAborted } from "../errors.ts";
import type { PolicyData, RecordedEvent } from "../events/events.ts";
import { streamOf } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import type { Runtime } from "../runtime.ts";
import type { Appended, EventStore, ExpectedRevision, NewEvent } from "../store/event-store.ts";
import { inSpan, SpanKind } from "../tracing.ts";
import { compose, type Intent, intentOf } from "./compose.ts";
import type { Folded, ProjectCache } from "./project-cache.ts";
import { foldOfLog } from "./project-fold.ts";

/** What a command came to: the events that record it (none if there was nothing to do) and the project after it. */
export interface Executed {
  readonly events: readonly RecordedEvent[];
  readonly state: ProjectState;
  readonly revision: bigint;
  readonly position: string | undefined;
}

interface Parts {
  readonly store: EventStore;
  readonly cache: ProjectCache<ProjectState>;
  readonly runtime: Runtime;
  readonly defaults: PolicyData;
  readonly actor: string;
  /** Told after each command that wrote. */
  readonly onWritten: (folded: Folded<ProjectState>) => void;
}

/** How often a command is decided anew after losing a race before it gives up. */
const MAX_ATTEMPTS = 60;

const canBeWritten = (outcome: Outcome): outcome is Accepted => "events" in outcome && outcome.events.length > 0;

/**
 * From a valid command to events on disk. One round trip when nobody races: decide on the cached fold, append with the
 * revision that it was decided on; after a conflict, catch up from the tail and decide again. What writes nothing (a
 * refusal, a dry run) is decided on a state that was fresh after the call began.
 */
export class CommandPath {
  readonly #parts: Parts;
  /** One command at a time a project in this process: they would only race each other. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @throws {LedgerError} the refusal, CONFLICT, COMMAND_REUSED, TOO_LARGE, CORRUPT, STORE_UNAVAILABLE or ABORTED. */
  execute(command: Command, signal?: AbortSignal): Promise<Executed> {
    const { project } = command;
    const attributes = { "model_ledger.project": project };
    const turn = inSpan(command.type, { attributes }, () =>
      (this.#last.get(project) ?? Promise.resolve()).then(() => this.#run(command, signal)),
    );
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(project, settled);
    settled.then(() => {
      if (this.#last.get(project) === settled) this.#last.delete(project);
    });
    return turn;
  }

  /** Resolves when no command is under way. */
  async settled(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }

  async #run(command: Command, signal: AbortSignal | undefined): Promise<Executed> {
    const { cache } = this.#parts;
    const intent = intentOf(command, this.#parts.runtime, this.#parts.actor);
    let folded = await cache.known(command.project);
    let isFresh = false;
    for (let attempt = 1; ; attempt++) {
      refuseAborted(signal, "the command was aborted before it was written");
      const remembered = intent.digest === undefined ? undefined : revisionOfCommand(folded.state, intent.commandId);
      if (remembered !== undefined) return this.#repeat(command, intent, BigInt(remembered), folded);
      const now = this.#timeAfter(folded);
      const outcome = this.#decide(command, folded, now);
      if (!canBeWritten(outcome) || command.dryRun) {
        if (isFresh) return this.#withoutWriting(command, intent, outcome, folded, now);
        folded = await cache.fresh(command.project);
        isFresh = true;
        continue;
      }
      const { events, proposed } = compose(outcome.events, intent, folded, now);
      const expected = expectedAt(folded);
      try {
        const { revision, position } = await this.#append(streamOf(command.project), proposed, expected);
        if (intent.digest !== undefined && !(await this.#isInLog(events))) {
          // The ids stood there already: this very command, from elsewhere, or from here when its answer was lost.
          if (attempt === MAX_ATTEMPTS) throw isNowhere(command);
          folded = await cache.fresh(command.project);
          continue;
        }
        const written = events.map((event) => ({ ...event, position }));
        cache.fold(folded, written);
        this.#parts.onWritten(folded);
        return { events: written, state: folded.state, revision, position };
      } catch (error) {
        if (!(error instanceof LedgerError) || error.code !== "CONFLICT") throw error;
        if (attempt === MAX_ATTEMPTS) throw lostEveryRace(command.project, error);
        if (attempt > 1) await this.#pause(attempt);
        folded = await cache.fresh(command.project);
        isFresh = false;
        // Against what was expected: a query may have brought the fold forward while this command waited.
        if (expectedAt(folded) !== expected) continue;
        // EventStoreDB may tell of a lost race a moment before the winner's events can be read.
        if (intent.digest === undefined || error.details.actual !== String(expected)) continue;
        // Nobody appended, so the ids are taken: by this very command, longer ago than the fold remembers.
        const earlier = await this.#find(command, intent, folded);
        if (earlier === undefined) throw error;
        return earlier;
      }
    }
  }

  #append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<Appended> {
    const attributes = { "model_ledger.stream": stream, "model_ledger.events": events.length };
    return inSpan("append", { kind: SpanKind.CLIENT, attributes }, () =>
      this.#parts.store.append(stream, events, expected),
    );
  }

  /**
   * Whether the log holds these events as they are here. A store answers a repeated append with the first result, and
   * the first run of a command gave other ids, times and hashes.
   */
  async #isInLog(events: readonly RecordedEvent[]): Promise<boolean> {
    const last = events.at(-1);
    if (last === undefined) return false;
    for await (const stored of this.#parts.store.readStream(last.stream, { from: last.revision, maxCount: 1 })) {
      return recorded(stored).metadata.hash === last.metadata.hash;
    }
    return false;
  }

  /** Now, or the time of the project's last event where the clock went back. */
  #timeAfter({ state }: Folded<ProjectState>): string {
    const time = new Date(this.#parts.runtime.now()).toISOString();
    return time > state.recordedAt ? time : state.recordedAt;
  }

  #decide(command: Command, { state }: Folded<ProjectState>, now: string): Outcome {
    const { runtime, defaults } = this.#parts;
    if (state.unknownEvent !== null) {
      const { type, revision } = state.unknownEvent;
      throw new LedgerError(
        "CORRUPT",
        `event ${revision} of "${command.project}" is of type ${type}, which this version does not know: update model-ledger before you write to it`,
        { project: command.project, type, revision: String(revision) },
      );
    }
    return decide(command, state, {
      now,
      modelId: command.type === "RecordTraining" ? runtime.newId() : "",
      deploymentId: runtime.newId(),
      defaults,
    });
  }

  /** A refusal, a dry run, or nothing to do, on a fresh state. */
  async #withoutWriting(
    command: Command,
    intent: Intent,
    outcome: Outcome,
    folded: Folded<ProjectState>,
    now: string,
  ): Promise<Executed> {
    if (intent.digest !== undefined && folded.state.commands.forgotten) {
      const earlier = await this.#find(command, intent, folded);
      if (earlier) return earlier;
    }
    if ("refusal" in outcome) {
      const { code, message, details } = outcome.refusal;
      throw new LedgerError(code, message, details);
    }
    const { events } = compose(outcome.events, intent, folded, now);
    return { events, state: folded.state, revision: folded.revision, position: folded.position };
  }

  /** The earlier run of a command that the fold has forgotten, by the ids that its events would have. */
  async #find(command: Command, intent: Intent, folded: Folded<ProjectState>): Promise<Executed | undefined> {
    if (intent.digest === undefined) return undefined;
    const found = await this.#parts.store.findEvent(streamOf(command.project), intent.eventId(0));
    return found && this.#repeat(command, intent, found.revision, folded);
  }

  /** The first answer again, from the log. */
  async #repeat(command: Command, intent: Intent, from: bigint, folded: Folded<ProjectState>): Promise<Executed> {
    const events: RecordedEvent[] = [];
    for await (const stored of this.#parts.store.readStream(streamOf(command.project), { from, maxCount: 2 })) {
      const event = recorded(stored);
      if (event.metadata.commandId === intent.commandId) events.push(event);
    }
    const last = events.at(-1);
    if (last === undefined || last.metadata.commandDigest !== intent.digest) {
      throw new LedgerError(
        "COMMAND_REUSED",
        `commandId "${intent.commandId}" was used in "${command.project}" for another command, at revision ${from}: a new command needs a new id`,
        { project: command.project, commandId: intent.commandId, revision: String(from) },
      );
    }
    const state = await this.#stateAfter(command, last.revision, folded);
    return { events, state, revision: last.revision, position: last.position };
  }

  /** The project as it was right after `revision`, for the answers that tell more than their events do. */
  async #stateAfter(command: Command, revision: bigint, { state, revision: current }: Folded<ProjectState>) {
    const isToldByState = command.type === "SetPolicy" || command.type === "ReinstateModel";
    if (!isToldByState || revision === current) return state;
    return foldOfLog(this.#parts.store, command.project, { maxCount: Number(revision) + 1 });
  }

  /** Longer after each lost race, and never the same for two. */
  #pause(attempt: number): Promise<void> {
    const { runtime } = this.#parts;
    return runtime.sleep(runtime.random() * Math.min(200, 2 ** attempt));
  }
}

const expectedAt = ({ revision }: Folded<ProjectState>): ExpectedRevision =>
  revision === -1n ? "no_stream" : revision;

function isNowhere({ project, commandId }: Command): LedgerError {
  return new LedgerError(
    "CORRUPT",
    `the store says that this command was written, and the log of "${project}" does not hold it: it has gone back since, to a backup say; nothing was written, so open the ledger anew and try again`,
    { project, commandId },
  );
}

function lostEveryRace(project: string, cause: LedgerError): LedgerError {
  return new LedgerError(
    "CONFLICT",
    `others kept writing to "${project}" first, ${MAX_ATTEMPTS} times in a row; nothing was written, so try again`,
    { project, attempts: MAX_ATTEMPTS },
    { cause },
  );
}
