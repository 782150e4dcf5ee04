import type { ProjectState } from "../../projections/project.ts";
import { ActiveModelsFilter, activeModels } from "../audit/active-models.ts";
import type { AsOf } from "../audit/as-of.ts";
import { type TimelineEntry, timelineOf } from "../audit/timeline.ts";
import { ModelRef, validated } from "../domain/commands.ts";
import { refuseAborted } from "../errors.ts";
import type { PolicyData } from "../events/events.ts";
import { DEFAULT_ENVIRONMENT, ProjectName } from "../events/names.ts";
import type { Across } from "../ledger/across.ts";
import { type ActiveModel, activeModelOf } from "../ledger/active-model.ts";
import { type Deployment, DeploymentsFilter } from "../ledger/deployments.ts";
import type { Positions, ReadOptions } from "../ledger/positions.ts";
import type { ProjectCache } from "../ledger/project-cache.ts";
import {
  activeIn,
  type LeaderboardEntry,
  LeaderboardFilter,
  type ModelEntry,
  ModelsFilter,
  type ProjectSummary,
  type Queries,
} from "../ledger/queries.ts";
import { Rows } from "../ledger/rows.ts";
import type { EventStore } from "../store/event-store.ts";
import { ActiveModelInput, ReadInput, TimelineInput } from "./inputs.ts";
import type { ActiveModelOptions, TimelineOptions } from "./ledger.ts";
import type { ActiveAtRevision } from "./served-ledger.ts";

/** What the questions are answered from. */
interface Parts {
  readonly store: EventStore;
  readonly cache: ProjectCache<ProjectState>;
  readonly across: Across;
  readonly queries: Queries;
  readonly asOf: AsOf;
  readonly positions: Positions;
  readonly defaults: PolicyData;
}

const NO_OPTIONS = {} as const;
const MAX_COUNTED = 1_000;

/** What is and what was: each answer knows what any process had committed before it was asked. */
export class Questions {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async activeModel(project: string, options: ActiveModelOptions = NO_OPTIONS): Promise<ActiveModel | undefined> {
    if (options === NO_OPTIONS) {
      const current = this.#parts.cache.current(project);
      if (current) return activeIn(current, DEFAULT_ENVIRONMENT, this.#parts.defaults);
    }
    return (await this.activeAtRevision(project, options)).model;
  }

  async activeAtRevision(project: string, options: ActiveModelOptions = NO_OPTIONS): Promise<ActiveAtRevision> {
    const { environment, at, by, ...rest } = validated(ActiveModelInput, options, "query");
    const name = validated(ProjectName, project, "project name");
    const { asOf, cache, defaults, positions } = this.#parts;
    return positions.answer(rest, async () => {
      if (at !== undefined) this.#checked(at);
      const past = at === undefined ? undefined : await asOf.activeAt(name, environment, at, by);
      const folded = await cache.fresh(name);
      const { state, revision } = folded;
      if (revision === -1n) return { model: undefined, revision: undefined };
      if (at === undefined) return { model: activeIn(folded, environment, defaults), revision };
      return { model: past && activeModelOf(state, environment, past, defaults), revision };
    });
  }

  activeModels(filter: ActiveModelsFilter = {}): Rows<ActiveModel> {
    const checked = validated(ActiveModelsFilter, filter, "filter");
    const parts = { ...this.#parts, checkMoment: (at: object) => this.#checked(at) };
    return this.#rows(checked, () => activeModels(parts, checked));
  }

  async project(project: string, options: ReadOptions = {}): Promise<ProjectSummary> {
    const name = validated(ProjectName, project, "project name");
    return this.#parts.positions.answer(validated(ReadInput, options, "query"), () =>
      this.#parts.queries.summary(name),
    );
  }

  projects(options: ReadOptions = {}): Rows<ProjectSummary> {
    const checked = validated(ReadInput, options, "query");
    return this.#rows(checked, () => this.#parts.queries.summaries(checked.signal));
  }

  models(project: string, filter: ModelsFilter = {}): Rows<ModelEntry> {
    const name = validated(ProjectName, project, "project name");
    const checked = validated(ModelsFilter, filter, "filter");
    return this.#rows(checked, () => this.#parts.queries.models(name, checked));
  }

  async model(project: string, model: ModelRef, options: ReadOptions = {}): Promise<ModelEntry> {
    const name = validated(ProjectName, project, "project name");
    const reference = validated(ModelRef, model, "model");
    return this.#parts.positions.answer(validated(ReadInput, options, "query"), () =>
      this.#parts.queries.model(name, reference),
    );
  }

  leaderboard(project: string, filter: LeaderboardFilter = {}): Rows<LeaderboardEntry> {
    const name = validated(ProjectName, project, "project name");
    const checked = validated(LeaderboardFilter, filter, "filter");
    return this.#rows(checked, () => this.#parts.queries.leaderboard(name, checked));
  }

  deployments(filter: DeploymentsFilter = {}): Rows<Deployment> {
    const checked = validated(DeploymentsFilter, filter, "filter");
    return this.#rows(checked, () => this.#parts.queries.deployments(checked));
  }

  async timeline(project: string, options: TimelineOptions = {}): Promise<readonly TimelineEntry[]> {
    const { environment, from, to, by, ...rest } = validated(TimelineInput, options, "query");
    const name = validated(ProjectName, project, "project name");
    return this.#parts.positions.answer(rest, async () => {
      await this.#parts.queries.known(name);
      return timelineOf(await this.#parts.asOf.deployments(name, environment, by), { from, to, by });
    });
  }

  /** A moment that is no place in this log is refused, not compared with the places that are. */
  #checked(at: object): void {
    if ("position" in at) this.#parts.store.checkPosition(String(at.position));
  }

  async head(): Promise<string | undefined> {
    for await (const { position } of this.#parts.store.readAll({ direction: "backwards", maxCount: 1 }))
      return position;
    return undefined;
  }

  async countAfter(position: string | undefined): Promise<number> {
    let count = 0;
    const after = position === undefined ? {} : { after: position };
    for await (const _ of this.#parts.store.readAll({ ...after, maxCount: MAX_COUNTED })) count += 1;
    return count;
  }

  /** A list that is read once the ledger has got as far as it was asked to, and until it is aborted. */
  #rows<Row>(options: ReadOptions, read: () => AsyncIterable<Row> | Promise<AsyncIterable<Row>>): Rows<Row> {
    const { minPosition, signal } = options;
    if (minPosition === undefined && signal === undefined) return new Rows(read);
    const positions = this.#parts.positions;
    return new Rows(async function* () {
      refuseAborted(signal);
      await positions.reached(options);
      for await (const row of await read()) {
        refuseAborted(signal);
        yield row;
      }
      refuseAborted(signal);
    });
  }
}
