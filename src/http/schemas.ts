import { z } from "zod";
import { ActiveModelInput, SubscribeInput, TimelineInput, VerifyInput } from "../api/inputs.ts";
import { ActiveModelsFilter } from "../audit/active-models.ts";
import {
  DeployFields,
  ModelRef,
  PolicyInput,
  PromoteFields,
  RecordTrainingInput,
  RetireModelInput,
  SetPolicyInput,
} from "../domain/commands.ts";
import { EventTypeName } from "../events/events.ts";
import { EnvironmentName, ProjectName, Reason } from "../events/names.ts";
import { DeploymentsFilter } from "../ledger/deployments.ts";
import { PositionText } from "../ledger/positions.ts";
import { LeaderboardFilter, ModelsFilter } from "../ledger/queries.ts";

/**
 * What requests look like: the ledger's own schemas, with what the path holds left out of bodies, and text where a URL
 * can hold nothing else.
 */

export const DEFAULT_PAGE = 100;
export const MAX_PAGE = 1_000;

const wholeNumber = z
  .custom<string>((text) => typeof text === "string" && /^\d{1,15}$/.test(text), "must be a whole number")
  .meta({ type: "integer", minimum: 0 })
  .transform(Number);

const read = {
  min_position: PositionText.optional().describe(
    "The answer shows at least what was recorded up to this position, as commands answer it.",
  ),
};
const page = {
  limit: wholeNumber
    .pipe(z.int().min(1, "must be at least 1").max(MAX_PAGE, `must be at most ${MAX_PAGE}`))
    .optional()
    .describe(`Rows a page, ${MAX_PAGE} at most, fewer where they hold much text. Default: ${DEFAULT_PAGE}.`),
  cursor: z.string().min(1).optional().describe("The `next` of the page before."),
};

const flag = z
  .custom<string>((text) => text === "true" || text === "false", "must be true or false")
  .meta({ type: "boolean" })
  .transform((text) => text === "true");

export const OfProject = z.object({ project: ProjectName });
export const OfModel = z.object({ project: ProjectName, model: ModelRef });
const DEPLOYMENT_HINT = "must be a deployment's number (1, 2, 3…) or its id (UUID)";
export const OfDeployment = z.object({
  project: ProjectName,
  number: z.union([wholeNumber.pipe(z.int().positive()), z.uuid(DEPLOYMENT_HINT).toLowerCase()], {
    error: DEPLOYMENT_HINT,
  }),
});

const omitProject = { project: true } as const;
export const TrainingBody = RecordTrainingInput.omit(omitProject);
export const DeploymentBody = DeployFields.omit(omitProject);
export const PromotionBody = PromoteFields.omit(omitProject);
export const RetirementBody = RetireModelInput.omit({ project: true, model: true });
const PolicyOptions = SetPolicyInput.omit({ project: true, policy: true });
/** The fields to set, beside them what every command takes; or the fields under `policy`, as the library has them. */
export const PolicyBody = z.union([
  PolicyOptions.extend(PolicyInput.shape),
  PolicyOptions.extend({ policy: SetPolicyInput.shape.policy }),
]);

export const NoQuery = z.strictObject({});
export const ReinstateQuery = z.strictObject({ reason: Reason.optional() });
export const ReadQuery = z.strictObject(read);
const { environment, by } = ActiveModelInput.shape;
export const ActiveQuery = z.strictObject({
  environment,
  at: z
    .string()
    .min(1)
    .optional()
    .describe("A time (ISO 8601), a revision of the project (a whole number) or a position of the log."),
  by,
  ...read,
});
export const ActiveModelsQuery = z.strictObject({
  environment: ActiveModelsFilter.shape.environment,
  at: z.string().min(1).optional().describe("A time (ISO 8601) or a position of the log."),
  by: ActiveModelsFilter.shape.by,
  ...page,
  ...read,
});
export const PageQuery = z.strictObject({ ...page, ...read });
export const ModelsQuery = z.strictObject({
  algorithm: ModelsFilter.shape.algorithm,
  retired: flag.optional(),
  after: wholeNumber.optional().describe("Only versions after this one."),
  ...page,
  ...read,
});
export const LeaderboardQuery = z.strictObject({ algorithm: LeaderboardFilter.shape.algorithm, ...page, ...read });

const { project, limit: _limit, minPosition: _minPosition, signal: _signal, ...filters } = DeploymentsFilter.shape;
export const ProjectDeploymentsQuery = z.strictObject({ ...filters, ...page, ...read });
export const DeploymentsQuery = z.strictObject({ project, ...filters, ...page, ...read });
export const ExplanationQuery = z.strictObject({ environment: EnvironmentName.optional(), ...read });

const { from, to } = TimelineInput.shape;
export const TimelineQuery = z.strictObject({ environment, from, to, by, ...page, ...read });
export const VerifyQuery = z.strictObject({ project: VerifyInput.shape.project, ...read });
export const EventsQuery = z.strictObject({
  project: ProjectName.optional(),
  type: z
    .union([z.string().transform((text) => text.split(",")), z.array(z.string())])
    .pipe(z.array(EventTypeName))
    .optional()
    .describe("Only events of these types; repeat it for more."),
  from: SubscribeInput.shape.from
    .removeDefault()
    .optional()
    .describe('"start", "end" (default) or a position. A Last-Event-ID header comes before it.'),
});

/** What `min_position` asks of the ledger. */
export function reading({ min_position: minPosition }: { readonly min_position?: string | undefined }) {
  return minPosition === undefined ? {} : { minPosition };
}
