import { LedgerError } from "../../src/errors.ts";
import type {
  Appended,
  EventStore,
  ExpectedRevision,
  NewEvent,
  ReadAllOptions,
  ReadStreamOptions,
  StoredEvent,
  SubscribeOptions,
} from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { formatPosition } from "../../src/store/position.ts";
import { subscription } from "../../src/store/subscription.ts";
import type { FaultPlan, StoreKind } from "./faults.ts";
import type { Machine } from "./machine.ts";
import type { Scheduler } from "./scheduler.ts";

/** What a store answers in at the latest: SQLite waits so long for the lock, the EventStoreDB adapter for an answer. */
const DEADLINE_MS = { sqlite: 30_000, eventstoredb: 10_000 } as const;

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
  /** The positions that reads show, of all and by stream. */
  readonly positions = { all: [] as string[], of: new Map<string, string[]>() };
  /** Told of each value that is kept. */
  readonly onKept: ((name: string, value: string) => void)[] = [];
  #away: "stopped" | "unreachable" | undefined;
  #backlog: Request[] = [];
  #whenBack: (() => void)[] = [];
  readonly #latest = new Map<string, number>();
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

  /** The number of the latest deployment in an environment. */
  latestDeployment(stream: string, environment: string): number | undefined {
    return this.#latest.get(`${stream} ${environment}`);
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
      this.#notePositions(next);
      this.#noteDeployments(next.stream, next.events);
    }
    const waiting = this.#whenShown.splice(0);
    for (const one of waiting) {
      if (one.position <= this.events) one.resolve();
      else this.#whenShown.push(one);
    }
  }

  #notePositions({ stream, events, position }: Batch): void {
    const own = this.positions.of.get(stream) ?? [];
    this.positions.of.set(stream, own);
    for (let index = events.length - 1; index >= 0; index--) {
      const one = formatPosition(position - index);
      this.positions.all.push(one);
      own.push(one);
    }
  }

  async keep(...call: Parameters<EventStore["keep"]>): ReturnType<EventStore["keep"]> {
    const revision = await this.memory.keep(...call);
    for (const tell of this.onKept) tell(call[0], call[1]);
    return revision;
  }

  #noteDeployments(stream: string, events: readonly NewEvent[]): void {
    for (const { type, data } of events) {
      if (type !== "ModelDeployed") continue;
      const { environment, number } = JSON.parse(data) as { readonly environment: string; readonly number: number };
      this.#latest.set(`${stream} ${environment}`, number);
    }
  }
}

interface Batch {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  readonly head: number;
  readonly position: number;
  isHidden: boolean;
}

interface Surroundings {
  readonly server: SimulatedServer;
  readonly machine: Machine;
  readonly scheduler: Scheduler;
  readonly faults: FaultPlan;
  /** Of a request or an answer on its way: the typical time. */
  readonly latencyMs: number;
  readonly pageSize: number;
}

/** The port as one process sees it: with a network or a disk in between that can do all that {@link FAULTS} lists. */
export function simulatedStore({ server, machine, scheduler, faults, latencyMs, pageSize }: Surroundings): EventStore {
  const { memory, kind } = server;
  const { random } = machine;
  const ending = new AbortController();
  const deadlineMs = DEADLINE_MS[kind];
  const feeds = new Set<AsyncIterator<StoredEvent>>();
  machine.onDeath(() => {
    for (const feed of feeds) void feed.return?.();
  });

  const delayMs = (): number => random.logUniform(latencyMs / 10, latencyMs * 10);
  const strikes = (fault: Parameters<FaultPlan["strikes"]>[0]): boolean => faults.strikes(fault, random);
  const unavailable = (what: string, why: string): LedgerError =>
    new LedgerError("STORE_UNAVAILABLE", `the simulated ${kind} failed to ${what}: ${why}`);

  function checkOpen(): void {
    if (ending.signal.aborted) throw new LedgerError("CLOSED", "the simulated store is closed");
  }

  /** There and back again, each taking its time; the answer may be spoilt, or come too late. */
  function ask<Result>(what: string, work: () => Promise<Result>, spoil?: "answer lost" | "never answered") {
    return new Promise<Result>((resolve, reject) => {
      let isOver = false;
      function settle(how: () => void): void {
        if (isOver || !machine.isAlive) return;
        isOver = true;
        stopWaiting();
        how();
      }
      const stopWaiting = scheduler.after(deadlineMs, () =>
        settle(() => reject(unavailable(what, "no answer in time"))),
      );
      function answer(how: () => void): void {
        if (spoil === "never answered") return;
        const said = spoil === undefined ? how : () => reject(unavailable(what, "the answer was lost"));
        scheduler.after(delayMs(), () => settle(said));
      }
      scheduler.after(delayMs(), () =>
        server.arrive({
          isGivenUp: () => isOver || !machine.isAlive,
          carryOut() {
            // What a process hands to its file dies with it; what is on the wire arrives.
            if (kind === "sqlite" && !machine.isAlive) return;
            work().then(
              (result) => answer(() => resolve(result)),
              (error: unknown) => answer(() => reject(error)),
            );
          },
        }),
      );
    });
  }

  function fail(what: string, why: string): Promise<never> {
    return new Promise((_, reject) =>
      scheduler.after(delayMs(), () => {
        if (machine.isAlive) reject(unavailable(what, why));
      }),
    );
  }

  function append(...call: Parameters<EventStore["append"]>): ReturnType<EventStore["append"]> {
    const isHidden = strikes("append hidden for a while");
    const hiddenMs = random.chance(0.5) ? random.logUniform(1, 1_000) : random.logUniform(deadlineMs, 6 * deadlineMs);
    const write = async () => {
      try {
        return await server.append(...call, isHidden ? scheduler.sleep(hiddenMs) : undefined);
      } catch (error) {
        // The adapter tells of a lost race once the winner can be read, or when its patience is over.
        await Promise.race([server.allShown(), scheduler.sleep(0.9 * deadlineMs)]);
        throw error;
      }
    };
    if (strikes("append not written")) return fail("append", "nothing was written");
    if (strikes("append written, answer lost")) return ask("append", write, "answer lost");
    if (strikes("append answered at the deadline")) {
      return ask("append", random.chance(0.5) ? write : () => new Promise(() => undefined), "never answered");
    }
    if (strikes("append written after its error")) {
      const lateMs = deadlineMs + random.logUniform(10, 60_000);
      scheduler.after(lateMs, () =>
        server.arrive({ isGivenUp: () => false, carryOut: () => void write().catch(() => undefined) }),
      );
      return ask("append", () => new Promise(() => undefined), "never answered");
    }
    if (strikes("append sent twice")) {
      void ask("append", write, "never answered").catch(() => undefined);
      return machine.sleep(random.logUniform(1, 100)).then(() => ask("append", write));
    }
    return ask("append", write);
  }

  async function page(what: string, asked: number, read: () => AsyncIterable<StoredEvent>) {
    if (strikes("read failed")) return fail(what, "the connection broke");
    if (strikes("read slow")) await machine.sleep(random.logUniform(10, 5_000));
    return ask(what, async () => {
      const events: StoredEvent[] = [];
      for await (const event of read()) events.push(event);
      const shown = events.filter((event) => server.isShown(event));
      return { events: shown, isLast: shown.length < asked };
    });
  }

  async function* pages(
    what: string,
    { maxCount = Number.POSITIVE_INFINITY, signal }: { readonly maxCount?: number; readonly signal?: AbortSignal },
    read: (last: StoredEvent | undefined, maxEvents: number) => AsyncIterable<StoredEvent>,
  ): AsyncGenerator<StoredEvent> {
    let last: StoredEvent | undefined;
    for (let left = maxCount; left > 0; ) {
      checkOpen();
      const asked = Math.min(pageSize, left);
      const { events, isLast } = await page(what, asked, () => read(last, asked));
      for (const event of events) {
        if (signal?.aborted) throw new LedgerError("ABORTED", "the read was aborted");
        yield event;
      }
      left -= events.length;
      if (isLast) return;
      last = events.at(-1);
    }
  }

  async function* readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<StoredEvent> {
    const { direction = "forwards", from, ...rest } = options;
    yield* pages("read a stream", rest, (last, maxCount) => {
      if (direction === "forwards") {
        return memory.readStream(stream, { maxCount, from: last === undefined ? (from ?? 0n) : last.revision + 1n });
      }
      const head = BigInt(server.headOf(stream)) - 1n;
      const next = last === undefined ? (from ?? head) : last.revision - 1n;
      if (next < 0n || head < 0n) return nothing();
      return memory.readStream(stream, { direction, maxCount, from: next < head ? next : head });
    });
  }

  async function* readAll(options: ReadAllOptions = {}): AsyncGenerator<StoredEvent> {
    const { direction = "forwards", after, ...rest } = options;
    yield* pages("read the log", rest, (last, maxCount) => {
      const end = direction === "forwards" ? undefined : formatPosition(server.events + 1);
      const beyond = last?.position ?? after ?? end;
      return memory.readAll({ direction, maxCount, ...(beyond !== undefined && { after: beyond }) });
    });
  }

  async function arrival({ position }: StoredEvent, delayedMs: number): Promise<void> {
    await machine.sleep(delayedMs);
    await server.shown(position);
    await server.back();
  }

  async function* deliver(feed: AsyncIterator<StoredEvent>, ended: AbortSignal): AsyncGenerator<StoredEvent> {
    const isEnded = new Promise<void>((resolve) => ended.addEventListener("abort", () => resolve()));
    void isEnded.then(() => feed.return?.());
    try {
      while (!ended.aborted) {
        const next = await feed.next();
        if (!machine.isAlive) await new Promise(() => undefined);
        if (next.done || ended.aborted) return;
        const pauseMs = strikes("subscription stalled") ? random.logUniform(100, 30_000) : delayMs();
        await Promise.race([arrival(next.value, pauseMs), isEnded]);
        if (ended.aborted) return;
        if (strikes("subscription dropped")) throw unavailable("go on with a subscription", "it was dropped");
        yield next.value;
      }
    } finally {
      feeds.delete(feed);
      void feed.return?.();
    }
  }

  return {
    address: `simulated ${kind}`,
    async append(...call) {
      checkOpen();
      return append(...call);
    },
    readStream,
    readAll,
    async subscribe(options: SubscribeOptions) {
      checkOpen();
      if (strikes("read failed")) return fail("subscribe", "the connection broke");
      const events = await ask("subscribe", () => memory.subscribe({ ...options, signal: ending.signal }));
      const feed = events[Symbol.asyncIterator]();
      feeds.add(feed);
      return subscription((ended) => deliver(feed, ended), options.signal);
    },
    changeCount() {
      checkOpen();
      return kind === "eventstoredb" || strikes("change count unknown") ? Number.NaN : memory.changeCount();
    },
    async findEvent(...call) {
      checkOpen();
      return kind === "eventstoredb" ? undefined : ask("find an event", () => memory.findEvent(...call));
    },
    async keep(...call) {
      checkOpen();
      const work = () => server.keep(...call);
      if (!strikes("keep failed")) return ask("keep", work);
      return random.chance(0.5) ? ask("keep", work, "answer lost") : fail("keep", "nothing was written");
    },
    async kept(name) {
      checkOpen();
      return strikes("read failed")
        ? fail("read what is kept", "the connection broke")
        : ask("read what is kept", () => memory.kept(name));
    },
    async close() {
      ending.abort();
    },
  };
}

async function* nothing(): AsyncGenerator<StoredEvent> {
  // a stream's first event has none before it
}
