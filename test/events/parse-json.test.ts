import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/events/parse-json.ts";
import { openLedger } from "../../src/index.ts";

const NAMES = ["\\", '"', "\n", "a\\", 'a"', "a\\b", 'a"b', "\u2028", "~", "~0", "__proto__", "1", "", "é"];
const name = fc.oneof(fc.constantFrom(...NAMES), fc.string());

/** Objects whose names are awkward, to any depth; from entries, so that "__proto__" is a name like any other. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(fc.constantFrom(null, true, 0, -1.5e-9), fc.string(), name),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(name, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

/** Every character of a name or a text written as an escape, which JSON allows. */
const escaped = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"/gs, (string) => {
    const units = (JSON.parse(`[${string}]`) as [string])[0].split("");
    return `"${units.map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`;
  });

describe("parseJson", () => {
  test("reads back what was written, whatever was read before", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), (values) => {
        for (const one of values) {
          expect(parseJson(JSON.stringify(one))).toStrictEqual(one);
          expect(parseJson(escaped(JSON.stringify(one)))).toStrictEqual(one);
          expect(parseJson(JSON.stringify(one, null, 2))).toStrictEqual(one);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("is not taken in by the bug that it is there for", () => {
    parseJson('{"h":[],"\\\\":0}');
    expect(parseJson('{"h":1,"\\"":2}')).toStrictEqual({ h: 1, '"': 2 });
  });

  test("takes the last of two equal names, as JSON.parse does", () => {
    for (const text of ['{"a":1,"\\u0061":2}', '{"\\u0061":1,"a":2}']) expect(parseJson(text)).toEqual({ a: 2 });
  });

  test("refuses what is no JSON", () => {
    for (const text of ["", "{", '{"\\x":1}', '{"a\\n":}', '{"a\n\\n":1}', '{"\\":1}', '"\\u12"', '["\\n":1]']) {
      expect(() => parseJson(text), text).toThrow(SyntaxError);
    }
  });
});

test("a ledger holds the names that it was given", async () => {
  await using ledger = await openLedger("memory:");
  const given = [
    { h: [], "\\": 0 },
    { h: 1, '"': 2 },
  ];
  for (const hyperparams of given) {
    await ledger.recordTraining({ project: "P", task: "regression", algorithm: "a", metrics: {}, hyperparams });
  }
  const found: unknown[] = [];
  for await (const { data } of ledger.subscribe({ types: ["ModelTrained"] })) {
    found.push("hyperparams" in data && data.hyperparams);
    if (found.length === given.length) break;
  }
  expect(found).toStrictEqual(given);
  expect((await ledger.verify()).ok).toBe(true);
});
