import { describe, expect, test } from "vitest";
import { z } from "zod";
import { DeployInput, Moment, validated } from "../../src/domain/commands.ts";
import { LedgerError } from "../../src/errors.ts";
import { complaintsOf } from "./input.ts";

/** In which words bad input is refused, whatever it is. */

function refusalOf(schema: z.ZodType, input: unknown): LedgerError {
  try {
    validated(schema, input, "list");
  } catch (error) {
    if (error instanceof LedgerError) return error;
  }
  throw new Error("taken");
}

test("input that is taken is given back as its schema makes it", () =>
  expect(validated(z.string().transform(Number), "3", "number")).toBe(3));

test("all that is wrong is said at once, as text and as data", () => {
  const { code, message, details } = refusalOf(DeployInput, { project: "", algorithm: "", x: 1, y: 2 });
  const issues = [
    { path: "project", message: "must have 1 to 200 characters" },
    { path: "algorithm", message: "must not be empty" },
    { path: "x", message: "is not known here" },
    { path: "y", message: "is not known here" },
  ];
  const story = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
  expect({ code, message, details }).toEqual({
    code: "INVALID_INPUT",
    message: `invalid list: ${story}`,
    details: { issues },
  });
});

test.each([
  [undefined, "is required"],
  [null, "must be an object, not null"],
  [3, "must be an object, not a number"],
  [1.5, "must be an object, not 1.5"],
  ["x", "must be an object, not a string"],
  [[], "must be an object, not a list"],
  [3n, "must be an object, not a bigint"],
  [Symbol("x"), "must be an object, not a symbol"],
  [() => 1, "must be an object, not a function"],
])("of what is no object at all it is said without a path (%#)", (input, message) => {
  const { message: story, details } = refusalOf(DeployInput, input);
  expect([story, details]).toEqual([`invalid list: ${message}`, { issues: [{ path: "", message }] }]);
});

describe("it is said of", () => {
  test.each([
    ["a list", z.array(z.string()), 3, "must be an array, not a number"],
    ["text", z.string(), {}, "must be a string, not an object"],
    ["a record", z.record(z.string(), z.number()), 3, "must be an object, not a number"],
    ["an empty text", z.string().min(1), "", "must not be empty"],
    ["a long text", z.string().max(2), "abc", "must have at most 2 characters"],
    ["a number below the least", z.number().min(3), 2, "must be at least 3"],
    ["a number at what must be passed", z.number().gt(3), 3, "must be more than 3"],
    ["a number above the most", z.number().max(3), 4, "must be at most 3"],
    ["one of no known values", z.literal([3n, 4n]), 5n, "must be one of 3, 4"],
    ["an id", z.uuid(), "x", "must be a UUID"],
    ["another format, in the words of its schema", z.email("no mail"), "x", "no mail"],
    ["what has a rule of its own, in the words of that", z.string().refine(() => false, "never"), "x", "never"],
    [
      "a bad name, with all that is wrong with it",
      z.record(z.string().min(1, "too short").regex(/x/, "no x"), z.number()),
      { "": 1 },
      "has a bad name: too short, no x",
    ],
  ])("%s", (_, schema, input, message) => expect(refusalOf(schema, input).details.issues).toMatchObject([{ message }]));
});

test("a format that has no words of ours keeps those of its schema", () =>
  expect(refusalOf(z.email(), "x").message).toBe("invalid list: Invalid email address"));

test("a path is told by its names and places", () =>
  expect(complaintsOf(() => validated(z.object({ a: z.array(z.int()) }), { a: [1, "x"] }, "list"))).toEqual([
    "a.1: must be a number, not a string",
  ]));

test("what cannot even be read is bad input too, with what was thrown as its cause", () => {
  const cause = new Error("not to be read");
  const input = Object.defineProperty({}, "project", {
    enumerable: true,
    get() {
      throw cause;
    },
  });
  const refusal = refusalOf(DeployInput, input);
  expect(refusal).toMatchObject({ code: "INVALID_INPUT", message: "invalid list: it cannot be read" });
  expect(refusal.details).toEqual({ issues: [] });
  expect(refusal.cause).toBe(cause);
});

test("a moment is a time in the documents that are made of the schemas", () =>
  expect(z.toJSONSchema(Moment, { io: "input", unrepresentable: "any" })).toMatchObject({
    type: "string",
    format: "date-time",
  }));
