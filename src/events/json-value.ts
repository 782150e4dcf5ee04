import { z } from "zod";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

/** Nesting that JSON tools everywhere still read. */
const MAX_DEPTH = 64;

interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The first thing in `value` that JSON could not give back exactly, or undefined. */
function firstFault(value: unknown, path: readonly (string | number)[]): Fault | undefined {
  if (path.length > MAX_DEPTH) return { path: path.slice(0, 8), message: `is nested more than ${MAX_DEPTH} deep` };
  if (value === null || typeof value === "boolean") return undefined;
  if (typeof value === "number") {
    return Number.isFinite(value) ? undefined : { path, message: `must be a finite number, not ${value}` };
  }
  if (typeof value === "string") {
    return value.isWellFormed() ? undefined : { path, message: "must be well-formed Unicode" };
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const fault = firstFault(value[index], [...path, index]);
      if (fault) return fault;
    }
    return undefined;
  }
  if (typeof value === "object") {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      return { path, message: "must be plain JSON, not an instance of a class" };
    }
    for (const [key, inner] of Object.entries(value)) {
      if (!key.isWellFormed()) return { path, message: "has a key that is not well-formed Unicode" };
      const fault = firstFault(inner, [...path, key]);
      if (fault) return fault;
    }
    return undefined;
  }
  return { path, message: `must be JSON, not ${typeof value}` };
}

/** A JSON object, taken as it is: nothing is dropped, converted or rounded on the way into the log. */
export const JsonObjectSchema = z.custom<JsonObject>().superRefine((value, context) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    context.addIssue({ code: "custom", message: "must be a JSON object" });
    return;
  }
  const fault = firstFault(value, []);
  if (fault) context.addIssue({ code: "custom", path: [...fault.path], message: fault.message });
});
