import { z } from "zod";
import { At } from "../audit/as-of.ts";
import { Moment } from "../domain/commands.ts";
import { EVENT_TYPES } from "../events/events.ts";
import { DEFAULT_ENVIRONMENT, EnvironmentName, ProjectName } from "../events/names.ts";

/** What the questions of a ledger may be asked with. The schemas of its commands are in `domain/commands.ts`. */

export const ActiveModelInput = z.strictObject({
  environment: EnvironmentName.default(DEFAULT_ENVIRONMENT),
  at: At.optional(),
});
export const TimelineInput = z.strictObject({
  environment: EnvironmentName.default(DEFAULT_ENVIRONMENT),
  from: Moment.optional(),
  to: Moment.optional(),
});
export const VerifyInput = z.strictObject({
  project: ProjectName.optional(),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z
    .custom<(events: number) => void>((value) => typeof value === "function", "must be a function")
    .optional(),
});
export const FollowInput = z.strictObject({ environment: EnvironmentName.default(DEFAULT_ENVIRONMENT) });
export const SubscribeInput = z.strictObject({
  from: z
    .string()
    .regex(/^[0-9A-Za-z_-]+$/, 'must be "start", "end" or a position')
    .default("start"),
  project: ProjectName.optional(),
  types: z.array(z.enum(EVENT_TYPES)).optional(),
  signal: z.instanceof(AbortSignal).optional(),
});
