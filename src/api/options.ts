import { z } from "zod";
import { PolicyInput, validated } from "../domain/commands.ts";
import { mergePolicy } from "../domain/policy.ts";
import { LedgerError } from "../errors.ts";
import type { PolicyData } from "../events/events.ts";
import { Actor } from "../events/names.ts";
import type { Runtime } from "../runtime.ts";
import type { LedgerOptions } from "./ledger.ts";

const OptionsInput = z.strictObject({
  defaultPolicy: z.unknown().optional(),
  actor: Actor.optional(),
  token: z.string().min(1).optional(),
  maxCached: z.int().positive().optional(),
  readModel: z.string().min(1, "must name a file").optional(),
  runtime: z.custom<Runtime>((value) => typeof value === "object" && value !== null, "must be a Runtime").optional(),
});

/** @throws {LedgerError} INVALID_INPUT */
export function optionsOf(options: LedgerOptions) {
  const checked = validated(OptionsInput, options, "options");
  return { ...checked, defaultPolicy: defaultPolicyOf(checked.defaultPolicy) };
}

function defaultPolicyOf(input: unknown): PolicyData {
  const merged = mergePolicy({}, validated(PolicyInput, input ?? {}, "defaultPolicy"), null);
  if ("policy" in merged) return merged.policy;
  const { path, message } = merged.fault;
  throw new LedgerError("INVALID_INPUT", `invalid defaultPolicy: ${path}: ${message}`, { issues: [merged.fault] });
}
