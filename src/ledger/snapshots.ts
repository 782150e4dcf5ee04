import { hash } from "node:crypto";
import type { ProjectState } from "../../projections/project.ts";
import { streamOf } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import type { EventStore } from "../store/event-store.ts";
import { packed, unpacked } from "./packed-project.ts";
import type { Folded, Start } from "./project-cache.ts";

/** A snapshot is taken when this many events came since the last one, or this share of all, whichever is more. */
const MIN_EVENTS = 1_000;
const SHARE = 1 / 20;

/** By digest: a project's name, however long in whatever script, never breaks the store's limit on names. */
const nameOf = (project: string): string => `snapshot/project/${hash("sha256", project, "hex")}`;

/**
 * Snapshots of the project fold: a cold project starts from one instead of from its first event. They can be lost or
 * thrown away at any time. One that does not fit the log (its chain hash is not the event's) is passed over.
 */
export class Snapshots {
  readonly #store: EventStore;
  readonly #minEvents: number;
  readonly #taken = new Map<string, bigint>();
  #saving: Promise<unknown> = Promise.resolve();

  constructor(store: EventStore, minEvents = MIN_EVENTS) {
    this.#store = store;
    this.#minEvents = minEvents;
  }

  async load(project: string): Promise<Start<ProjectState> | undefined> {
    const kept = await this.#store.kept(nameOf(project));
    if (kept === undefined) return undefined;
    const state = unpacked(kept.value);
    if (state === undefined) return undefined;
    const revision = BigInt(state.revision);
    for await (const stored of this.#store.readStream(streamOf(project), { from: revision, maxCount: 1 })) {
      if (recorded(stored).metadata.hash !== state.hash) return undefined;
      this.#taken.set(project, revision);
      return { state, revision, position: stored.position };
    }
    return undefined;
  }

  /** Takes one if enough happened since the last. Does not wait for the disk; a failure costs only time later. */
  consider({ project, state, revision }: Folded<ProjectState>): void {
    const since = Number(revision - (this.#taken.get(project) ?? -1n));
    if (since < this.#minEvents || since < Number(revision) * SHARE) return;
    this.#taken.set(project, revision);
    const saved = this.#store.keep(nameOf(project), packed(state)).catch(() => undefined);
    this.#saving = Promise.all([this.#saving, saved]);
  }

  /** Resolves when those being saved are on disk. */
  async settled(): Promise<void> {
    await this.#saving;
  }
}
