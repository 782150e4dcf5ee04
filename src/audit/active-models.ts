import { z } from "zod";
import { names } from "../../projections/dictionary.ts";
import type { ProjectState } from "../../projections/project.ts";
import { Moment } from "../domain/commands.ts";
import type { PolicyData } from "../events/events.ts";
import { EnvironmentName } from "../events/names.ts";
import type { Across } from "../ledger/across.ts";
import { type ActiveModel, activeModelOf } from "../ledger/active-model.ts";
import { PositionText, READ_OPTIONS } from "../ledger/positions.ts";
import type { ProjectCache } from "../ledger/project-cache.ts";
import { activeIn } from "../ledger/queries.ts";
import type { ActiveQuery, ReadPart } from "../ledger/read-model.ts";
import { type AsOf, Clock } from "./as-of.ts";

/** A moment of the whole ledger: a time or a position in the log; what happened there counts. */
const Anywhere = z.union([Moment.transform((time) => ({ time })), z.strictObject({ position: PositionText })], {
  error: "must be a Date, an ISO 8601 time or { position }",
});

export const ActiveModelsFilter = z
  .strictObject({
    environment: EnvironmentName.optional(),
    at: Anywhere.optional(),
    by: Clock.default("recordedAt"),
    limit: z.int().positive().optional(),
    ...READ_OPTIONS,
  })
  .refine(({ at, by }) => by === "recordedAt" || (at !== undefined && "time" in at), {
    path: ["by"],
    message: "goes with a time: give `at` as a Date or an ISO 8601 time",
  });
export type ActiveModelsFilter = z.input<typeof ActiveModelsFilter>;

interface Parts {
  readonly across: Across;
  readonly asOf: AsOf;
  readonly cache: ProjectCache<ProjectState>;
  readonly defaults: PolicyData;
  /** @throws {LedgerError} INVALID_INPUT for a moment that is no place in this log. */
  readonly checkMoment: (at: object) => void;
}

/**
 * What was active everywhere at a moment: by project in the order of their beginnings, then by environment. The list is
 * handed on as it is: a generator around it would cost a microsecond a row.
 */
export async function activeModels(
  parts: Parts,
  { limit, signal, ...query }: z.output<typeof ActiveModelsFilter>,
): Promise<AsyncIterable<ActiveModel>> {
  if (query.at !== undefined) parts.checkMoment(query.at);
  const readModel = await parts.across.readModel();
  if (readModel === undefined) return fromFolds(parts, query, { limit, signal });
  return readModel.activeModels(query, { defaults: parts.defaults, limit, signal });
}

async function* fromFolds(
  { across, asOf, cache, defaults }: Parts,
  { environment: only, at, by }: ActiveQuery,
  { limit = Number.POSITIVE_INFINITY, signal }: ReadPart,
): AsyncGenerator<ActiveModel> {
  let left = limit;
  for await (const project of across.namesInLog(signal)) {
    const folded = await cache.fresh(project);
    const environments = names(folded.state.environments).sort();
    for (const environment of only === undefined ? environments : environments.filter((name) => name === only)) {
      const past = at && (await asOf.activeAt(project, environment, at, by));
      const active = at === undefined ? activeIn(folded, environment, defaults) : undefined;
      const found = past ? activeModelOf(folded.state, environment, past, defaults) : active;
      if (found === undefined) continue;
      yield found;
      left -= 1;
      if (left === 0) return;
    }
  }
}
