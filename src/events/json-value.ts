import { z } from "zod";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

/** Nesting that JSON tools everywhere still read. */
const MAX_DEPTH = 64;

interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** More than fit in one append. An object that holds itself in many places has few bytes here and many in JSON. */
const MAX_VALUES = 1_048_576 / 2;

/** The first thing in `value` that JSON could not give back exactly, or undefined. */
function firstFault(value: unknown): Fault | undefined {
  let values = 0;

  function faultIn(inner: unknown, path: readonly (string | number)[]): Fault | undefined {
    values += 1;
    if (values > MAX_VALUES) return { path: path.slice(0, 1), message: `holds more than ${MAX_VALUES} values` };
    if (path.length > MAX_DEPTH) return { path: path.slice(0, 8), message: `is nested more than ${MAX_DEPTH} deep` };
    if (inner === null || typeof inner === "boolean") return undefined;
    if (typeof inner === "number") {
      return Number.isFinite(inner) ? undefined : { path, message: `must be a finite number, not ${inner}` };
    }
    if (typeof inner === "string") {
      return inner.isWellFormed() ? undefined : { path, message: "must be well-formed Unicode" };
    }
    if (typeof inner !== "object") return { path, message: `must be JSON, not ${typeof inner}` };
    return Array.isArray(inner) ? faultInItems(inner, path) : faultInFields(inner, path);
  }

  function faultInItems(items: readonly unknown[], path: readonly (string | number)[]): Fault | undefined {
    for (let index = 0; index < items.length; index++) {
      const fault = faultIn(items[index], [...path, index]);
      if (fault) return fault;
    }
    return undefined;
  }

  function faultInFields(fields: object, path: readonly (string | number)[]): Fault | undefined {
    const prototype: unknown = Object.getPrototypeOf(fields);
    if (prototype !== Object.prototype && prototype !== null) {
      return { path, message: "must be plain JSON, not an instance of a class" };
    }
    for (const [key, inner] of Object.entries(fields)) {
      if (!key.isWellFormed()) return { path, message: "has a key that is not well-formed Unicode" };
      const fault = faultIn(inner, [...path, key]);
      if (fault) return fault;
    }
    return undefined;
  }

  return faultIn(value, []);
}

/** A JSON object, taken as it is: nothing is dropped, converted or rounded on the way into the log. */
export const JsonObjectSchema = z
  .custom<JsonObject>()
  .superRefine((value, context) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      context.addIssue({ code: "custom", message: "must be a JSON object" });
      return;
    }
    const fault = firstFault(value);
    if (fault) context.addIssue({ code: "custom", path: [...fault.path], message: fault.message });
  })
  .meta({ type: "object", additionalProperties: true });
