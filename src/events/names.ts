import { z } from "zod";

/** The category of every stream of the ledger: the text before the first `-`, as EventStoreDB cuts it. */
export const CATEGORY = "modelLedger";

/** The stream of a project. `project` must have passed {@link ProjectName}, so that one project has one stream. */
export const streamOf = (project: string): string => `${CATEGORY}-${project}`;

/** The project whose stream this is. */
export const projectOf = (stream: string): string => stream.slice(CATEGORY.length + 1);

export const DEFAULT_ENVIRONMENT = "production";

const hasControlCharacter = /\p{Cc}/u;

/** A string that survives UTF-8 and canonical JSON: no lone surrogate. */
export const Text = z
  .string()
  .refine((text) => text.isWellFormed(), "must be well-formed Unicode: it holds half of a surrogate pair");

/** Text of one line that says something. */
const Line = Text.refine((text) => text.trim() !== "", "must not be empty").refine(
  (text) => !hasControlCharacter.test(text),
  "must not contain control characters",
);

const MAX_CHARACTERS = 200;
const BAD_LENGTH = `must have 1 to ${MAX_CHARACTERS} characters`;
/** NFC makes one character of four at most, of two units each. A longer name is not composed: of marks it takes n² steps. */
const MAX_UNITS = MAX_CHARACTERS * 4 * 2;

/** 1–200 characters after NFC and trim, no control characters; case matters (CONTRACT §1). */
export const ProjectName = Text.refine((name) => !hasControlCharacter.test(name), "must not contain control characters")
  .refine((name) => name.trim().length <= MAX_UNITS, BAD_LENGTH)
  .transform((name) => name.normalize("NFC").trim())
  .refine((name) => name.length > 0 && [...name].length <= MAX_CHARACTERS, BAD_LENGTH);

export const EnvironmentName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,62}$/,
    "must be 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit (for example production)",
  );

/** Whoever gives a command: a person, a job, a token's name. */
export const Actor = Line.refine((actor) => actor.length <= 200, "must have at most 200 characters");

export const CommandId = Line.refine((id) => id.length <= 200, "must have at most 200 characters");

/** Why a command was given; several lines are welcome. */
export const Reason = Text.refine((reason) => reason.trim() !== "", "must not be empty");

/** "Any non-empty algorithm name is fine" (CONTRACT §3). */
export const AlgorithmName = Text.min(1, "must not be empty");

export const Uuid = z.uuid();
