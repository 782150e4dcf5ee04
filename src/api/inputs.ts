import { z } from "zod";
import { At, Clock } from "../audit/as-of.ts";
import { Moment } from "../domain/commands.ts";
import { EventTypeName } from "../events/events.ts";
import { DEFAULT_ENVIRONMENT, EnvironmentName, ProjectName } from "../events/names.ts";
import { READ_OPTIONS } from "../ledger/positions.ts";

/** What the questions of a ledger may be asked with. The schemas of its commands are in `domain/commands.ts`. */

// Each is made once, and not where it is used: to make a schema takes as long as to write an event.
/** Refuses what is no object before anything is taken out of it. */
export const AnyFields = z.looseObject({});
export const WithSignal = z.looseObject({ signal: z.instanceof(AbortSignal).optional() });
/** Whatever `deploy` takes but for the strategy, which is given. */
export const RollbackFields = z.looseObject({ strategy: z.literal("rollback").optional() });

export const ActiveModelInput = z
  .strictObject({
    environment: EnvironmentName.default(DEFAULT_ENVIRONMENT),
    at: At.optional(),
    by: Clock.default("recordedAt"),
    ...READ_OPTIONS,
  })
  .refine(({ at, by }) => by === "recordedAt" || (at !== undefined && "time" in at), {
    path: ["by"],
    message: "goes with a time: give `at` as a Date or an ISO 8601 time",
  });
export const TimelineInput = z
  .strictObject({
    environment: EnvironmentName.default(DEFAULT_ENVIRONMENT),
    from: Moment.optional(),
    to: Moment.optional(),
    by: Clock.default("recordedAt"),
    ...READ_OPTIONS,
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ["to"],
    message: "must not be before `from`",
  });
export const ReadInput = z.strictObject(READ_OPTIONS);
const OnProgress = z.custom<(events: number) => void>((value) => typeof value === "function", "must be a function");
export const VerifyInput = z
  .strictObject({
    project: ProjectName.optional(),
    ...READ_OPTIONS,
    checkpoint: z.string().optional(),
    publicKey: z.string().min(1).optional(),
    onProgress: OnProgress.optional(),
  })
  .refine(({ checkpoint, publicKey }) => (checkpoint === undefined) === (publicKey === undefined), {
    path: ["publicKey"],
    message: "a checkpoint and the public key that it was signed for go together",
  })
  .refine(({ checkpoint, project }) => checkpoint === undefined || project === undefined, {
    path: ["project"],
    message: "a checkpoint is over all projects: leave it out",
  });
export const CheckpointInput = z.strictObject({
  key: z.string().min(1),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: OnProgress.optional(),
});
export const ConsistencyInput = z.strictObject({
  older: z.string().min(1),
  newer: z.string().min(1),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: OnProgress.optional(),
});
export const ExportInput = z.strictObject({
  project: ProjectName.optional(),
  signal: z.instanceof(AbortSignal).optional(),
});
/** What opens an export: it is read twice. */
export const ExportSource = z.custom<() => AsyncIterable<string>>(
  (value) => typeof value === "function",
  "must be a function that gives the lines of an export, and gives them again when it is called again",
);
export const ImportInput = z.strictObject({
  dryRun: z.boolean().optional(),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z
    .custom<(events: number, phase: "checking" | "writing") => void>(
      (value) => typeof value === "function",
      "must be a function",
    )
    .optional(),
});
export const FollowInput = z.strictObject({ environment: EnvironmentName.default(DEFAULT_ENVIRONMENT) });
export const SubscribeInput = z.strictObject({
  from: z
    .string()
    .regex(/^[0-9A-Za-z_-]+$/, 'must be "start", "end" or a position')
    .default("start"),
  project: ProjectName.optional(),
  types: z.array(EventTypeName).optional(),
  signal: z.instanceof(AbortSignal).optional(),
});
