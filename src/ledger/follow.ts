import { EventEmitter } from "node:events";
import { deploymentFacts } from "../../projections/active-models.ts";
import type { ProjectState } from "../../projections/project.ts";
import { LedgerError } from "../errors.ts";
import type { PolicyData } from "../events/events.ts";
import { streamOf } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import type { Runtime } from "../runtime.ts";
import type { EventStore, StoredEvent } from "../store/event-store.ts";
import { type ActiveModel, activeModelOf } from "./active-model.ts";
import { foldedEvent, type ProjectCache } from "./project-cache.ts";
import { activeIn } from "./queries.ts";

export interface FollowerEvents {
  /** After each deployment in the environment, in order. */
  change: [current: ActiveModel, previous: ActiveModel | undefined];
  /**
   * The store went away: `current` stays as it is, and what happened meanwhile is told when the store is back. Or a
   * listener of "change" threw. After any other error, a damaged log above all, the follower is no longer kept current.
   */
  error: [error: unknown];
}

interface Parts {
  readonly store: EventStore;
  readonly cache: ProjectCache<ProjectState>;
  readonly runtime: Runtime;
  readonly defaults: PolicyData;
  readonly onClosed: (follower: Follower) => void;
}

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;

/** Keeps the active model of one environment at hand for code that serves it: `current` is a plain property. */
export class Follower extends EventEmitter<FollowerEvents> implements AsyncDisposable {
  /** The active model, or undefined while nothing was ever deployed. */
  current: ActiveModel | undefined;
  readonly project: string;
  readonly environment: string;
  readonly #stop = new AbortController();
  readonly #parts: Parts;
  /** Since when the store is away, or nobody asks it any more, by the runtime's clock. */
  #awaySince: number | undefined;
  /** The position of the last event taken. */
  #taken: string | undefined;
  #done: Promise<void> = Promise.resolve();

  constructor(project: string, environment: string, parts: Parts) {
    super();
    this.project = project;
    this.environment = environment;
    this.#parts = parts;
  }

  /** Since the store went away or the follower was closed, in milliseconds; 0 while each deployment is told as it happens. */
  get staleMs(): number {
    return this.#awaySince === undefined ? 0 : Math.max(0, this.#parts.runtime.now() - this.#awaySince);
  }

  /** Resolves when `current` is right and stays so. */
  async start(): Promise<this> {
    const folded = await this.#parts.cache.fresh(this.project);
    this.current = activeIn(folded, this.environment, this.#parts.defaults);
    this.#taken = folded.position;
    this.#done = this.#run(await this.#subscribe()).finally(() => {
      this.#awaySince ??= this.#parts.runtime.now();
    });
    return this;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    this.removeAllListeners();
    this.#parts.onClosed(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #subscribe(): Promise<AsyncIterable<StoredEvent>> {
    return this.#parts.store.subscribe({
      stream: streamOf(this.project),
      after: this.#taken ?? "start",
      signal: this.#stop.signal,
      onLost: (error) => this.#away(error),
      onHeard: () => {
        this.#awaySince = undefined;
      },
    });
  }

  #away(error: unknown): void {
    this.#awaySince ??= this.#parts.runtime.now();
    this.#report(error);
  }

  async #run(first: AsyncIterable<StoredEvent>): Promise<void> {
    let events: AsyncIterable<StoredEvent> | undefined = first;
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      try {
        events ??= await this.#subscribe();
        this.#awaySince = undefined;
        for await (const stored of events) {
          await this.#take(stored);
          this.#taken = stored.position;
          failures = 0;
        }
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#away(error);
        if (!(error instanceof LedgerError && error.code === "STORE_UNAVAILABLE")) return;
      }
      events = undefined;
      await this.#pause(failures++);
    }
  }

  /** Longer after each failure, never the same for two; over at once when the follower is closed. */
  #pause(failures: number): Promise<unknown> {
    const { runtime } = this.#parts;
    const { signal } = this.#stop;
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures) * (0.5 + runtime.random() / 2);
    const closed = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    return Promise.race([runtime.sleep(pauseMs), closed]);
  }

  /** An EventEmitter without a listener for "error" would end the process of whoever serves the model. */
  #report(error: unknown): void {
    if (this.listenerCount("error") > 0) this.emit("error", error);
  }

  /** A listener that throws must not keep `current` from what comes after. */
  #tell(current: ActiveModel, previous: ActiveModel | undefined): void {
    try {
      this.emit("change", current, previous);
    } catch (error) {
      this.#report(error);
    }
  }

  async #take(stored: StoredEvent): Promise<void> {
    if (stored.type !== "ModelDeployed") return;
    const event = recorded(stored);
    if (event.type !== "ModelDeployed" || event.data.environment !== this.environment) return;
    if (this.current !== undefined && event.data.number <= this.current.number) return;
    const { state } = await this.#parts.cache.fresh(this.project);
    const previous = this.current;
    this.current = activeModelOf(state, this.environment, deploymentFacts(foldedEvent(event)), this.#parts.defaults);
    this.#tell(this.current, previous);
  }
}
