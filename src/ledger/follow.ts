import { EventEmitter } from "node:events";
import { deploymentFacts } from "../../projections/active-models.ts";
import type { ProjectState } from "../../projections/project.ts";
import type { PolicyData } from "../events/events.ts";
import { streamOf } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import type { EventStore, StoredEvent } from "../store/event-store.ts";
import { type ActiveModel, activeModelOf } from "./active-model.ts";
import { foldedEvent, type ProjectCache } from "./project-cache.ts";
import { activeIn } from "./queries.ts";

interface FollowerEvents {
  /** After each deployment in the environment, in order. */
  change: [current: ActiveModel, previous: ActiveModel | undefined];
  /** The store went away and the follower is no longer kept current, or a listener of "change" threw. */
  error: [error: unknown];
}

/** Keeps the active model of one environment at hand for code that serves it: `current` is a plain property. */
export class Follower extends EventEmitter<FollowerEvents> implements AsyncDisposable {
  /** The active model, or undefined while nothing was ever deployed. */
  current: ActiveModel | undefined;
  readonly project: string;
  readonly environment: string;
  readonly #stop = new AbortController();
  readonly #cache: ProjectCache<ProjectState>;
  readonly #defaults: PolicyData;
  readonly #onClosed: (follower: Follower) => void;
  #done: Promise<void> = Promise.resolve();

  constructor(
    project: string,
    environment: string,
    cache: ProjectCache<ProjectState>,
    defaults: PolicyData,
    onClosed: (follower: Follower) => void,
  ) {
    super();
    this.project = project;
    this.environment = environment;
    this.#cache = cache;
    this.#defaults = defaults;
    this.#onClosed = onClosed;
  }

  /** Resolves when `current` is right and stays so. */
  async start(store: EventStore): Promise<this> {
    const folded = await this.#cache.fresh(this.project);
    this.current = activeIn(folded, this.environment, this.#defaults);
    const events = await store.subscribe({
      stream: streamOf(this.project),
      after: folded.position ?? "start",
      signal: this.#stop.signal,
    });
    this.#done = this.#run(events);
    return this;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    this.removeAllListeners();
    this.#onClosed(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(events: AsyncIterable<StoredEvent>): Promise<void> {
    try {
      for await (const stored of events) await this.#take(stored);
    } catch (error) {
      // An EventEmitter without a listener for "error" would end the process of whoever serves the model.
      if (!this.#stop.signal.aborted && this.listenerCount("error") > 0) this.emit("error", error);
    }
  }

  /** A listener that throws must not keep `current` from what comes after. */
  #tell(current: ActiveModel, previous: ActiveModel | undefined): void {
    try {
      this.emit("change", current, previous);
    } catch (error) {
      if (this.listenerCount("error") > 0) this.emit("error", error);
    }
  }

  async #take(stored: StoredEvent): Promise<void> {
    if (stored.type !== "ModelDeployed") return;
    const event = recorded(stored);
    if (event.type !== "ModelDeployed" || event.data.environment !== this.environment) return;
    if (this.current !== undefined && event.data.number <= this.current.number) return;
    const { state } = await this.#cache.fresh(this.project);
    const previous = this.current;
    this.current = activeModelOf(state, this.environment, deploymentFacts(foldedEvent(event)), this.#defaults);
    this.#tell(this.current, previous);
  }
}
