import canonicalize from "canonicalize";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isSurelyCanonical } from "../../src/ledger/canonical-text.ts";
import { canonicalText } from "../../src/ledger/hash-chain.ts";

const anObject = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ stringUnit: "binary" }));

test("what is told to be canonical is what RFC 8785 makes of it, and the rest is made so", () => {
  fc.assert(
    fc.property(anObject, fc.boolean(), (value, isCanonical) => {
      const text = isCanonical ? (canonicalize(value) ?? "") : JSON.stringify(value);
      if (isSurelyCanonical(text)) expect(text).toBe(canonicalize(JSON.parse(text)));
      expect(canonicalText(text)).toBe(canonicalize(JSON.parse(text)));
    }),
  );
});

test("whatever is changed in a canonical text is noticed, unless it is canonical again", () => {
  fc.assert(
    fc.property(anObject, fc.nat(), fc.string({ maxLength: 2 }), (value, place, inserted) => {
      const text = canonicalize(value) ?? "";
      const at = place % text.length;
      const changed = text.slice(0, at) + inserted + text.slice(at + (place % 3));
      if (isSurelyCanonical(changed)) expect(changed).toBe(canonicalize(JSON.parse(changed)));
    }),
    { numRuns: 2_000 },
  );
});

test.each(['{"a":1,"b":[true,false,null,-1.5,1e+30,"é"],"c":{}}', '{"10":0,"2":1}', "{}"])("is sure of %s", (text) => {
  expect(isSurelyCanonical(text)).toBe(true);
});

test.each([
  ["spaces", '{"a": 1}'],
  ["another order", '{"b":1,"a":1}'],
  ["a name twice", '{"a":1,"a":1}'],
  ["a number as others write it", '{"a":1.0}'],
  ["a number too large", '{"a":1e999}'],
  ["minus zero", '{"a":-0}'],
  ["an escape", '{"a":"\\u0041"}'],
  ["half of a pair", '{"a":"\ud800"}'],
  ["a control character", '{"a":"\u0001"}'],
  ["something after it", "{}{}"],
  ["an end too early", '{"a":[1,'],
  ["nesting without end", `{"a":${"[".repeat(100_000)}`],
])("is not sure of %s", (_, text) => {
  expect(isSurelyCanonical(text)).toBe(false);
});
