import { hash } from "node:crypto";
import type { ProjectState } from "../../projections/project.ts";
import { streamOf } from "../events/names.ts";
import { parseJson } from "../events/parse-json.ts";
import { recorded } from "../events/stored.ts";
import type { EventStore } from "../store/event-store.ts";
import type { Folded, Start } from "./project-cache.ts";

/** Raise it whenever the shape or the meaning of `ProjectState` changes: older snapshots are then passed over. */
const SNAPSHOT_VERSION = 3;

/** A snapshot is taken when this many events came since the last one, or this share of all, whichever is more. */
const MIN_EVENTS = 1_000;
const SHARE = 1 / 20;

/** By digest: a project's name, however long in whatever script, never breaks the store's limit on names. */
const nameOf = (project: string): string => `snapshot/project/${hash("sha256", project, "hex")}`;

interface Snapshot {
  readonly version: number;
  readonly state: ProjectState;
}

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
    const snapshot = parsed(kept.value);
    if (snapshot?.version !== SNAPSHOT_VERSION) return undefined;
    const { state } = snapshot;
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
    const text = JSON.stringify({ version: SNAPSHOT_VERSION, state } satisfies Snapshot);
    this.#saving = Promise.all([this.#saving, this.#store.keep(nameOf(project), text).catch(() => undefined)]);
  }

  /** Resolves when those being saved are on disk. */
  async settled(): Promise<void> {
    await this.#saving;
  }
}

function parsed(text: string): Snapshot | undefined {
  try {
    const snapshot = parseJson(text) as Snapshot;
    if (!(Number.isSafeInteger(snapshot.state.revision) && snapshot.state.revision >= 0)) return undefined;
    for (const { metrics, artifact } of snapshot.state.models) {
      Object.freeze(metrics);
      Object.freeze(artifact);
    }
    return snapshot;
  } catch {
    return undefined;
  }
}
