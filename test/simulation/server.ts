import type { Appended, EventStore, ExpectedRevision, NewEvent, StoredEvent } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { formatPosition } from "../../src/store/position.ts";
import type { StoreKind } from "./faults.ts";

/** Where an event stands in the log. */
export interface LogEntry {
  readonly stream: string;
  readonly type: string;
  readonly position: string;
}

interface Request {
  /** Nobody waits for the answer any more. */
  readonly isGivenUp: () => boolean;
  readonly carryOut: () => void;
}

/** The place that all processes share and that survives them: the file, or the server. Not the network to it. */
export class SimulatedServer {
  readonly memory = memoryEventStore();
  readonly kind: StoreKind;
  /** Events in each stream, and in all, that reads show. */
  readonly heads = new Map<string, number>();
  events = 0;
  conflicts = 0;
  /** What reads show, of all (the one at position n is number n - 1) and by stream. */
  readonly entries = { all: [] as LogEntry[], of: new Map<string, LogEntry[]>() };
  /** Told of each value that is kept. */
  readonly onKept: ((name: string, value: string) => void)[] = [];
  #away: "stopped" | "unreachable" | undefined;
  #backlog: Request[] = [];
  #whenBack: (() => void)[] = [];
  readonly #latest = new Map<string, Served>();
  readonly #recordedAt = new Map<string, string>();
  /** The last position written, be it shown or not. */
  #written = 0;
  readonly #unshown: Batch[] = [];
  readonly #whenShown: { readonly position: number; readonly resolve: () => void }[] = [];

  constructor(kind: StoreKind) {
    this.kind = kind;
  }

  get isAway(): boolean {
    return this.#away !== undefined;
  }

  headOf(stream: string): number {
    return this.heads.get(stream) ?? 0;
  }

  /** Stopped: what arrives is carried out when it goes on. Unreachable: what has been given up by then is lost. */
  leave(how: "stopped" | "unreachable"): void {
    this.#away ??= how;
  }

  comeBack(): void {
    const how = this.#away;
    this.#away = undefined;
    for (const { isGivenUp, carryOut } of this.#backlog.splice(0)) {
      if (how === "stopped" || !isGivenUp()) carryOut();
    }
    for (const resolve of this.#whenBack.splice(0)) resolve();
  }

  arrive(request: Request): void {
    if (this.isAway) this.#backlog.push(request);
    else request.carryOut();
  }

  back(): Promise<void> {
    return this.isAway ? new Promise((resolve) => this.#whenBack.push(resolve)) : Promise.resolve();
  }

  /** The latest deployment in an environment. */
  latestDeployment(stream: string, environment: string): Served | undefined {
    return this.#latest.get(`${stream} ${environment}`);
  }

  /** Whether a stream holds an event recorded after the time (ISO 8601): what comes now is later still. */
  isBeyond(stream: string, time: string): boolean {
    return (this.#recordedAt.get(stream) ?? "") > time;
  }

  /** Whether reads show the event. What comes after a hidden event is hidden too. */
  isShown({ position }: StoredEvent): boolean {
    return Number(position) <= this.events;
  }

  /** Resolves when reads show all up to the position. */
  shown(position: string): Promise<void> {
    if (Number(position) <= this.events) return Promise.resolve();
    return new Promise((resolve) => this.#whenShown.push({ position: Number(position), resolve }));
  }

  /** Resolves when reads show all that is written now. */
  allShown(): Promise<void> {
    return this.shown(formatPosition(this.#written));
  }

  /** `hidden`: until it resolves, the events are in the stream for other appends, and not for reads. */
  async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
    hidden?: Promise<void>,
  ): Promise<Appended> {
    try {
      const appended = await this.memory.append(stream, events, expected);
      const position = Number(appended.position);
      if (position > this.#written) {
        this.#written = position;
        const batch = { stream, events, head: Number(appended.revision) + 1, position, isHidden: hidden !== undefined };
        this.#unshown.push(batch);
        void hidden?.then(() => {
          batch.isHidden = false;
          this.#show();
        });
        this.#show();
      }
      await this.shown(appended.position);
      return appended;
    } catch (error) {
      this.conflicts += 1;
      throw error;
    }
  }

  #show(): void {
    for (let next = this.#unshown[0]; next !== undefined && !next.isHidden; next = this.#unshown[0]) {
      this.#unshown.shift();
      this.heads.set(next.stream, next.head);
      this.events = next.position;
      this.#noteEntries(next);
      this.#noteEvents(next.stream, next.events);
    }
    const waiting = this.#whenShown.splice(0);
    for (const one of waiting) {
      if (one.position <= this.events) one.resolve();
      else this.#whenShown.push(one);
    }
  }

  #noteEntries({ stream, events, position }: Batch): void {
    const own = this.entries.of.get(stream) ?? [];
    this.entries.of.set(stream, own);
    for (const [index, { type }] of events.entries()) {
      const entry = { stream, type, position: formatPosition(position - events.length + 1 + index) };
      this.entries.all.push(entry);
      own.push(entry);
    }
  }

  async keep(...call: Parameters<EventStore["keep"]>): ReturnType<EventStore["keep"]> {
    const revision = await this.memory.keep(...call);
    for (const tell of this.onKept) tell(call[0], call[1]);
    return revision;
  }

  #noteEvents(stream: string, events: readonly NewEvent[]): void {
    for (const { type, data, metadata } of events) {
      this.#recordedAt.set(stream, (JSON.parse(metadata) as { readonly recordedAt: string }).recordedAt);
      if (type !== "ModelDeployed") continue;
      const deployed = JSON.parse(data) as Served & { readonly environment: string };
      this.#latest.set(`${stream} ${deployed.environment}`, deployed);
    }
  }
}

/** What tells a deployment and its model from every other. */
export interface Served {
  readonly number: number;
  readonly version: number;
  readonly deploymentId: string;
  readonly modelId: string;
}

interface Batch {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  readonly head: number;
  readonly position: number;
  isHidden: boolean;
}
