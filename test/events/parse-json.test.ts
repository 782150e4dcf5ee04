import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseIJson, parseJson } from "../../src/events/parse-json.ts";
import { openLedger } from "../../src/index.ts";

const NAMES = [
  "\\",
  '"',
  "\n",
  "a\\",
  'a"',
  "a\\b",
  'a"b',
  "\u2028",
  "~",
  "~0",
  "~1",
  "~~0",
  "~\\",
  "__proto__",
  "1",
  "",
  "é",
];
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
          expect(parseIJson(JSON.stringify(one))).toStrictEqual(one);
          expect(parseIJson(escaped(JSON.stringify(one)))).toStrictEqual(one);
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

  test("refuses what JSON.parse refuses, in its words", () => {
    const piece = fc.oneof(
      fc.constantFrom('"', "\\", ":", ",", "{", "}", "[", "]", " ", "\n", "\\u00", "~0"),
      fc.string(),
    );
    fc.assert(
      fc.property(value, fc.nat(), fc.nat({ max: 3 }), piece, (one, where, removed, added) => {
        const text = JSON.stringify(one);
        const at = where % (text.length + 1);
        const changed = text.slice(0, at) + added + text.slice(at + removed);
        expect(failure(() => parseJson(changed))).toEqual(failure(() => JSON.parse(changed)));
      }),
      { numRuns: 2_000 },
    );
  });
});

test("parseIJson refuses a name that an object says twice, however it is written", () => {
  for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '[{"\\n":{"~0":1,"~0":1}}]']) {
    expect(() => parseIJson(text), text).toThrow(SyntaxError);
  }
  expect(parseIJson('[{"a":1},{"a":"\\":"}]')).toEqual([{ a: 1 }, { a: '":' }]);
});

function failure(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

const MOST = 1_048_576;
/** Many times what a text of any shape takes on a busy machine. One with a loop in a loop took a quarter of an hour. */
const MOST_MS = 10_000;

/** As long as a body may be, but for what is left over. */
const filled = (begin: string, unit: string, end: string): string =>
  begin + unit.repeat((MOST - begin.length - end.length) / unit.length) + end;

/** Of names and of what is nested: each costs as much as many characters, so that there are fewer. */
const MANY = 40_000;
const many = (unitAt: (index: number) => string): string => Array.from({ length: MANY }, (_, at) => unitAt(at)).join();
const nested = (open: string, close: string): string => `${open.repeat(MANY)}1${close.repeat(MANY)}`;

test.each([
  ["escapes in a string without an end", filled('{"a":"', "\\n", "")],
  ["quotes", filled("", '"', "")],
  ["quotes with a backslash", filled('{"a":"', '\\"', "")],
  ["a string after a string", filled("[", '"\\n" ', "")],
  ["one character again and again", filled('{"\\n":1,"a":"', "~", '"}')],
  ["half of one character, half of names", `["${"~".repeat(MOST / 2)}"${',{"\\n":1}'.repeat(MOST / 20)}]`],
  ["escapes in a name", filled('{"', "\\n", '":1}')],
  ["strings with escapes", filled("[", '"\\n",', '""]')],
  ["spaces after a name", filled('{"\\n"', " ", ":1}")],
  ["names with an escape", `{${many((index) => `"\\n${index}":1`)}}`],
  ["objects with an escaped name each", `[${many((index) => `{"\\n${index}":1}`)}]`],
  ["arrays in arrays", nested("[", "]")],
  ["arrays in arrays under an escaped name", `{"\\n":${nested("[", "]")}}`],
  ["escaped names in escaped names", nested('{"\\n":', "}")],
])("a text holds nobody up, whatever its shape: %s", { timeout: 60_000 }, (_, text) => {
  for (const parse of [parseJson, parseIJson]) {
    const begun = performance.now();
    const error = failure(() => parse(text));
    expect(performance.now() - begun).toBeLessThan(MOST_MS);
    expect(error).toEqual(failure(() => JSON.parse(text)));
  }
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
