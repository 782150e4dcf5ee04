import { z } from "zod";
import { LedgerError } from "../errors.ts";
import { GoalName, Labels, Metrics, STRATEGIES, type Strategy } from "../events/events.ts";
import { type JsonObject, JsonObjectSchema } from "../events/json-value.ts";
import {
  Actor,
  AlgorithmName,
  CommandId,
  DEFAULT_ENVIRONMENT,
  EnvironmentName,
  ProjectName,
  Reason,
  Text,
} from "../events/names.ts";
import { parseJson } from "../events/parse-json.ts";
import { TASKS, type Task } from "../events/tasks.ts";

/**
 * What can be asked of the ledger. Strict at the door: an unknown field is refused, so that a misspelt option never
 * passes for its default. The CLI and HTTP validate with these same schemas.
 */

const TIME_HINT = "must be a Date or an ISO 8601 time with a zone, for example 2026-05-04T10:00:00Z";
const isoTime = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

/** A moment, given as a Date or an ISO 8601 string; kept as UTC with milliseconds. */
export const Moment = z
  .custom<Date | string>((value) => value instanceof Date || isoTime.safeParse(value).success, TIME_HINT)
  .refine((value) => !Number.isNaN(new Date(value).getTime()), TIME_HINT)
  .meta({ type: "string", format: "date-time" })
  .transform((value) => new Date(value).toISOString())
  .refine((text) => text.length === 24, "must lie in the years 0000 to 9999");

const TaskInput = z
  .string()
  .transform((task) => task.trim().replaceAll("-", "_"))
  .refine((task) => Object.hasOwn(TASKS, task), `must be one of ${Object.keys(TASKS).join(", ")}`)
  .transform((task) => task as Task);

const MODEL_HINT = "must be a version (1, 2, 3…) or a model id (UUID)";

/** A model by version (3 or "3") or by id. */
export const ModelRef = z.union(
  [
    z.int(MODEL_HINT).positive(MODEL_HINT),
    z
      .string()
      .regex(/^[1-9][0-9]{0,14}$/)
      .transform(Number),
    z.uuid(MODEL_HINT).toLowerCase(),
  ],
  MODEL_HINT,
);
export type ModelRef = z.infer<typeof ModelRef>;

/** A revision as the library gives it, as a number, or as JSON gives it, in decimal text. */
export const RevisionRef = z.union(
  [
    z.bigint().nonnegative(),
    z.int().nonnegative().transform(BigInt),
    z
      .string()
      .regex(/^(0|[1-9]\d{0,18})$/)
      .transform(BigInt),
  ],
  { error: "must be a revision (0, 1, 2…)" },
);

/** The revision that the project's last event must have; "no_stream" when there must be no project yet. */
const ExpectedRevision = z.union([RevisionRef, z.literal("no_stream")], {
  error: 'must be a revision (0, 1, 2…) or "no_stream"',
});

const options = {
  commandId: CommandId.optional(),
  actor: Actor.optional(),
  reason: Reason.optional(),
  correlationId: Text.min(1).max(200).optional(),
  causationId: Text.min(1).max(200).optional(),
  expectedRevision: ExpectedRevision.optional(),
  dryRun: z.boolean().default(false),
};

const deploymentOptions = {
  force: z.boolean().default(false),
  /** When the deployment took place, by the caller's clock; default is the time it is recorded. */
  deployedAt: Moment.optional(),
};

/** In the order of canonical JSON, in which the log gives them back; -0 is 0 there too. */
function sorted(metrics: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(metrics).map(([name, value]) => [name, value + 0] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As it is now: the caller may go on using the object while the command waits for its turn. */
const copied = (value: JsonObject): JsonObject => parseJson(JSON.stringify(value)) as JsonObject;

/** The records of zod leave a key "__proto__" out without a word; here it is refused. */
function withoutProto<Schema extends z.ZodType>(schema: Schema): z.ZodType<z.output<Schema>, z.input<Schema>> {
  return z.preprocess((value, context) => {
    const hasProto = typeof value === "object" && value !== null && Object.hasOwn(value, "__proto__");
    if (hasProto) context.addIssue({ code: "custom", message: 'must not hold the name "__proto__"' });
    return value;
  }, schema) as z.ZodType<z.output<Schema>, z.input<Schema>>;
}

export const RecordTrainingInput = z.strictObject({
  project: ProjectName,
  task: TaskInput.optional(),
  algorithm: AlgorithmName,
  metrics: withoutProto(Metrics.transform(sorted)),
  hyperparams: JsonObjectSchema.transform(copied).default({}),
  snapshot: z
    .strictObject({ relation: Text.min(1), rows: z.int().nonnegative().optional(), digest: Text.min(1).optional() })
    .optional(),
  artifact: z.strictObject({ digest: Text.min(1).optional(), uri: Text.min(1) }).optional(),
  labels: withoutProto(Labels).optional(),
  trainedAt: Moment.optional(),
  automaticDeploy: z.boolean().default(true),
  ...options,
});

const choiceFields = {
  strategy: z.enum(STRATEGIES).optional(),
  algorithm: AlgorithmName.optional(),
  model: ModelRef.optional(),
  steps: z.int().positive().optional(),
  toNumber: z.int().positive().optional(),
};

/** Which model to deploy: one strategy with what belongs to it. */
export type Choice =
  | { readonly strategy: "best_score" | "most_recent" }
  | { readonly strategy: "rollback"; readonly steps: number }
  | { readonly strategy: "rollback"; readonly toNumber: number }
  | { readonly strategy: "specific"; readonly model: ModelRef };

interface ChoiceInput {
  readonly strategy?: Strategy | undefined;
  readonly model?: ModelRef | undefined;
  readonly steps?: number | undefined;
  readonly toNumber?: number | undefined;
}

function refuseMisfits({ strategy, model, steps, toNumber }: ChoiceInput, context: z.core.$RefinementCtx): void {
  const complain = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
  if (strategy === "new_score") complain("strategy", "new_score is recorded by trainings and cannot be asked for");
  if (strategy === "specific" && model === undefined) complain("model", "specific needs the model to deploy");
  if (strategy !== undefined && strategy !== "specific" && model !== undefined) {
    complain("model", `goes with the strategy specific, not with ${strategy}`);
  }
  if (strategy !== "rollback" && steps !== undefined) complain("steps", "goes with the strategy rollback only");
  if (strategy !== "rollback" && toNumber !== undefined) complain("toNumber", "goes with the strategy rollback only");
  if (steps !== undefined && toNumber !== undefined) complain("toNumber", "give steps or toNumber, not both");
}

function choiceOf({ strategy, model, steps, toNumber }: ChoiceInput): Choice {
  if (model !== undefined) return { strategy: "specific", model };
  if (strategy === "rollback") return toNumber === undefined ? { strategy, steps: steps ?? 1 } : { strategy, toNumber };
  return { strategy: strategy === "most_recent" ? strategy : "best_score" };
}

export const DeployFields = z.strictObject({
  project: ProjectName,
  ...choiceFields,
  environment: EnvironmentName.default(DEFAULT_ENVIRONMENT),
  ...deploymentOptions,
  ...options,
});
export const DeployInput = DeployFields.superRefine(refuseMisfits).transform(
  ({ strategy, model, steps, toNumber, ...rest }) => ({
    ...rest,
    choice: choiceOf({ strategy, model, steps, toNumber }),
  }),
);

export const PromoteFields = z.strictObject({
  project: ProjectName,
  from: EnvironmentName,
  to: EnvironmentName,
  ...deploymentOptions,
  ...options,
});
export const PromoteInput = PromoteFields.refine(({ from, to }) => from !== to, {
  path: ["to"],
  message: "must be another environment than from",
});

export const RetireModelInput = z.strictObject({ project: ProjectName, model: ModelRef, ...options });

/** What a policy can say; `null` takes a field back to its default, a field left out keeps its value. */
export const PolicyInput = z.strictObject({
  automaticDeploy: z.enum(["improved", "not_worse", "off"]).nullable().optional(),
  minImprovement: z.number().nonnegative().nullable().optional(),
  metric: Text.min(1).nullable().optional(),
  goal: GoalName.nullable().optional(),
  environment: EnvironmentName.nullable().optional(),
  requireReason: z.boolean().nullable().optional(),
  frozen: z.strictObject({ reason: Reason, until: Moment.optional() }).nullable().optional(),
});

export const SetPolicyInput = z.strictObject({
  project: ProjectName,
  policy: PolicyInput.refine(
    (policy) => Object.values(policy).some((value) => value !== undefined),
    "names nothing to set",
  ),
  ...options,
});

export const COMMAND_INPUTS = {
  RecordTraining: RecordTrainingInput,
  Deploy: DeployInput,
  Promote: PromoteInput,
  RetireModel: RetireModelInput,
  ReinstateModel: RetireModelInput,
  SetPolicy: SetPolicyInput,
} as const;

export type CommandType = keyof typeof COMMAND_INPUTS;
type CommandOf<Type extends CommandType> = { readonly type: Type } & Readonly<z.output<(typeof COMMAND_INPUTS)[Type]>>;
export type RecordTraining = CommandOf<"RecordTraining">;
export type Deploy = CommandOf<"Deploy">;
export type Promote = CommandOf<"Promote">;
export type RetireModel = CommandOf<"RetireModel">;
export type ReinstateModel = CommandOf<"ReinstateModel">;
export type SetPolicy = CommandOf<"SetPolicy">;
export type Command = RecordTraining | Deploy | Promote | RetireModel | ReinstateModel | SetPolicy;

/** What zod says in words of its own, said as the rest of our messages are. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  if (input === undefined) return "is required";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${article(issue.expected)}, not ${nameOfType(input)}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      if (issue.origin === "string") return "must not be empty";
      return issue.inclusive ? `must be at least ${issue.minimum}` : `must be more than ${issue.minimum}`;
    case "too_big":
      if (issue.origin === "string") return `must have at most ${issue.maximum} characters`;
      return `must be at most ${issue.maximum}`;
    case "invalid_format":
      return issue.format === "uuid" ? "must be a UUID" : undefined;
    case "invalid_key":
      return `has a bad name: ${issue.issues.map(({ message }) => message).join(", ")}`;
    default:
      return undefined;
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int: "a whole number",
  record: "an object",
  object: "an object",
};

const article = (type: string): string => TYPE_NAMES[type] ?? `${/^[aeiou]/i.test(type) ? "an" : "a"} ${type}`;

function nameOfType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "number" && !Number.isInteger(value) ? String(value) : article(typeof value);
}

function parsed<Schema extends z.ZodType>(schema: Schema, input: unknown, what: string) {
  try {
    return schema.safeParse(input, { error: inWords });
  } catch (cause) {
    // A getter or a proxy of the caller's threw, or what looks like a Date is none.
    throw new LedgerError("INVALID_INPUT", `invalid ${what}: it cannot be read`, { issues: [] }, { cause });
  }
}

/**
 * Validates one input by its schema.
 * @throws {LedgerError} INVALID_INPUT; `details.issues` lists each bad field as `{ path, message }`.
 */
export function validated<Schema extends z.ZodType>(schema: Schema, input: unknown, what: string): z.output<Schema> {
  const result = parsed(schema, input, what);
  if (result.success) return result.data;
  const issues = result.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ path: [...issue.path, key].join("."), message: "is not known here" }))
      : [{ path: issue.path.map(String).join("."), message: issue.message }],
  );
  const story = issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
  throw new LedgerError("INVALID_INPUT", `invalid ${what}: ${story}`, { issues });
}
