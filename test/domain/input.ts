import { COMMAND_INPUTS, type CommandType, validated } from "../../src/domain/commands.ts";
import { LedgerError } from "../../src/errors.ts";
import { P } from "./given.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a training of the least that there can be comes to with these fields. */
export const training = (more: Fields) => taken("RecordTraining", { algorithm: "svm", metrics: {}, ...more });
export const deployment = (more: Fields) => taken("Deploy", more);
export const promotion = (more: Fields) => taken("Promote", { from: "staging", to: "production", ...more });
export const policy = (more: Fields) => taken("SetPolicy", { policy: more });

export function taken(type: CommandType, input: Fields): Fields {
  return validated(COMMAND_INPUTS[type], { project: P, ...input }, type) as Fields;
}

/** What is said of bad input, each as "path: message"; undefined of input that is taken. */
export function complaintsOf(take: () => unknown): readonly string[] | undefined {
  try {
    take();
    return undefined;
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== "INVALID_INPUT") throw error;
    const issues = error.details.issues as readonly { readonly path: string; readonly message: string }[];
    return issues.map(({ path, message }) => `${path}: ${message}`);
  }
}
