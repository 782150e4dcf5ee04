import { itemAt } from "../../projections/paged-list.ts";
import type { ProjectState } from "../../projections/project.ts";
import { LedgerError } from "../errors.ts";
import { projectOf, streamOf } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import type { EventStore, StoredEvent } from "../store/event-store.ts";
import {
  type DeployedEvent,
  type Deployment,
  type DeploymentSearch,
  deploymentOfEvent,
  isSearchedFor,
} from "./deployments.ts";
import type { Folded, ProjectCache } from "./project-cache.ts";
import type { ReadModel } from "./read-model.ts";

/** A log or a stream of so many events is read as it is: that takes milliseconds, and no tables are made for it. */
export const SHORT_LOG_EVENTS = 2_000;

interface Parts {
  readonly store: EventStore;
  readonly cache: ProjectCache<ProjectState>;
  /** Without one the log is read, however long it is. */
  readonly readModel?: ReadModel | undefined;
  /** In place of {@link SHORT_LOG_EVENTS}. */
  readonly shortLogEvents?: number | undefined;
}

/** Where questions across projects are answered from: the log while it is short, then the read model. */
export class Across {
  readonly #parts: Parts;
  readonly #shortLogEvents: number;
  /** How many events are known to be in the log, up to the position. */
  #counted = 0;
  #position: string | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#shortLogEvents = parts.shortLogEvents ?? SHORT_LOG_EVENTS;
  }

  /** The read model, if the log is too long to be read each time. */
  async readModel(): Promise<ReadModel | undefined> {
    return this.#parts.readModel && (await this.#isLong()) ? this.#parts.readModel : undefined;
  }

  async #isLong(): Promise<boolean> {
    const missing = this.#shortLogEvents + 1 - this.#counted;
    if (missing <= 0) return true;
    const after = this.#position === undefined ? {} : { after: this.#position };
    let [counted, last] = [this.#counted, this.#position];
    for await (const { position } of this.#parts.store.readAll({ ...after, maxCount: missing })) {
      counted += 1;
      last = position;
    }
    // Whoever asked meanwhile may have got further.
    if (counted > this.#counted) [this.#counted, this.#position] = [counted, last];
    return counted > this.#shortLogEvents;
  }

  /** Every project's name, in the order of their beginnings, from the log. */
  async *namesInLog(signal: AbortSignal | undefined): AsyncGenerator<string> {
    const seen = new Set<string>();
    for await (const { stream } of this.#parts.store.readAll(signal ? { signal } : {})) {
      if (seen.has(stream)) continue;
      seen.add(stream);
      yield projectOf(stream);
    }
  }

  async *deployments(search: DeploymentSearch): AsyncGenerator<Deployment> {
    const readModel = await this.#readModelFor(search);
    if (readModel !== undefined) return yield* readModel.deployments(search);
    let left = search.limit ?? Number.POSITIVE_INFINITY;
    for await (const stored of this.#read(search)) {
      if (stored.type !== "ModelDeployed") continue;
      const event = recorded(stored);
      if (event.type !== "ModelDeployed" || !isSearchedFor(event, search)) continue;
      if (search.artifactDigest !== undefined && (await this.#digestOf(event)) !== search.artifactDigest) continue;
      yield deploymentOfEvent(event);
      left -= 1;
      if (left === 0) return;
    }
  }

  /**
   * One project's deployments are in its stream, newest last: without a filter nothing is faster. With one the read model
   * is, but who asks about one project does not wait until all others are in it: it may take in as many events as the
   * stream has.
   */
  async #readModelFor(search: DeploymentSearch): Promise<ReadModel | undefined> {
    const { project, order, limit, signal, ...filter } = search;
    if (project === undefined) return this.readModel();
    const { readModel, cache } = this.#parts;
    if (readModel === undefined || Object.values(filter).every((field) => field === undefined)) return undefined;
    const events = Number((await cache.known(project)).revision) + 1;
    return events > this.#shortLogEvents && (await readModel.catchUp(events)) ? readModel : undefined;
  }

  #read({ project, order, after, signal }: DeploymentSearch): AsyncIterable<StoredEvent> {
    const { store } = this.#parts;
    const options = { direction: order === "asc" ? "forwards" : "backwards", ...(signal && { signal }) } as const;
    if (project === undefined) return store.readAll({ ...options, ...(after !== undefined && { after }) });
    return afterPosition(store.readStream(streamOf(project), options), order, after);
  }

  async #digestOf({ data }: DeployedEvent): Promise<string | undefined> {
    const { cache } = this.#parts;
    const modelIn = ({ state }: Folded<ProjectState>) => itemAt(state.models, data.version - 1);
    const model = modelIn(await cache.known(data.project)) ?? modelIn(await cache.fresh(data.project));
    return model?.artifact?.digest;
  }
}

async function* afterPosition(events: AsyncIterable<StoredEvent>, order: "asc" | "desc", after: string | undefined) {
  for await (const event of events) {
    if (after !== undefined && (order === "asc" ? event.position <= after : event.position >= after)) continue;
    yield event;
  }
}

/** @throws {LedgerError} INVALID_INPUT: a version says nothing without its project. */
export function versionWithoutProject(): LedgerError {
  const message = "a version belongs to a project: name the project too, or give the model's id";
  return new LedgerError("INVALID_INPUT", `invalid filter: model: ${message}`, {
    issues: [{ path: "model", message }],
  });
}
