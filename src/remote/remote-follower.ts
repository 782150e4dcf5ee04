import { EventEmitter } from "node:events";
import type { Follower } from "../api/ledger.ts";
import { LedgerError } from "../errors.ts";
import type { ActiveModel } from "../ledger/active-model.ts";
import type { FollowerEvents } from "../ledger/follow.ts";
import { pause, type Runtime } from "../runtime.ts";
import { isPassing, type RemoteFeed } from "./remote-feed.ts";

interface Parts {
  readonly project: string;
  readonly environment: string;
  readonly runtime: Runtime;
  readonly stop: AbortController;
  /** Begins the feed of the project's deployments. */
  readonly feed: (told: { readonly onHeard: () => void; readonly onLost: (error: unknown) => void }) => RemoteFeed;
  /** What is active now, at least as of the position; or what was at it. */
  readonly activeAt: (where: {
    readonly minPosition?: string;
    readonly at?: { readonly position: string };
  }) => Promise<ActiveModel | undefined>;
  readonly onClosed: (follower: RemoteFollower) => void;
}

/** Keeps the active model at hand over HTTP: `current` costs nothing to read, and restarts of the service are outlived. */
export class RemoteFollower extends EventEmitter<FollowerEvents> implements Follower {
  current: ActiveModel | undefined;
  readonly project: string;
  readonly environment: string;
  readonly #parts: Parts;
  #heardAt: number;
  #done: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    super();
    this.project = parts.project;
    this.environment = parts.environment;
    this.#parts = parts;
    this.#heardAt = parts.runtime.now();
  }

  get staleMs(): number {
    return Math.max(0, this.#parts.runtime.now() - this.#heardAt);
  }

  async start(): Promise<this> {
    const { feed, activeAt, runtime, stop } = this.#parts;
    const events = feed({
      onHeard: () => {
        this.#heardAt = runtime.now();
      },
      onLost: (error) => this.#report(error),
    });
    try {
      const position = await events.begin();
      this.current = await activeAt(position === "start" ? {} : { minPosition: position });
    } catch (error) {
      stop.abort();
      throw error;
    }
    this.#done = this.#run(events);
    return this;
  }

  async close(): Promise<void> {
    this.#parts.stop.abort();
    await this.#done;
    this.removeAllListeners();
    this.#parts.onClosed(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(feed: RemoteFeed): Promise<void> {
    try {
      for await (const { type, data, position } of feed.events()) {
        if (type !== "ModelDeployed" || data.environment !== this.environment) continue;
        if (this.current !== undefined && data.number <= this.current.number) continue;
        await this.#take(position);
      }
    } catch (error) {
      this.#report(error);
    }
  }

  /** Asks what the deployment at this position made active, until the service answers. */
  async #take(position: string): Promise<void> {
    const { activeAt, runtime, stop } = this.#parts;
    while (!stop.signal.aborted) {
      try {
        const current = await activeAt({ at: { position }, minPosition: position });
        if (current === undefined) return;
        const previous = this.current;
        this.current = current;
        this.#tell(current, previous);
        return;
      } catch (error) {
        if (stop.signal.aborted) return;
        if (!isPassing(error)) throw error;
        this.#report(error);
        await pause(pauseMsAfter(error), runtime, stop.signal);
      }
    }
  }

  #tell(current: ActiveModel, previous: ActiveModel | undefined): void {
    try {
      this.emit("change", current, previous);
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    if (!this.#parts.stop.signal.aborted && this.listenerCount("error") > 0) this.emit("error", error);
  }
}

const PAUSE_MS = 200;

/** As long as the service asks for, where it does. */
function pauseMsAfter(error: unknown): number {
  const { retryAfterMs } = error instanceof LedgerError ? error.details : {};
  return typeof retryAfterMs === "number" ? retryAfterMs : PAUSE_MS;
}
