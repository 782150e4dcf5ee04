import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonical } from "../../src/ledger/hash-chain.ts";

describe("canonical JSON", () => {
  test("is what RFC 8785 shows", () => {
    const value = {
      numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "€$\u000F\nA'\u0042\u0022\u005c\\\"/",
      literals: [null, true, false],
    };
    expect(canonical(value)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test("sorts keys by UTF-16 code units, index-like ones too", () => {
    const value = JSON.parse(
      '{"\u20ac":1,"\\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7,"10":8,"9":9}',
    );
    expect(canonical(value)).toBe(
      '{"\\r":2,"1":4,"10":8,"9":9,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
    );
  });

  test("is the same as the library's, for any JSON", () =>
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(canonical(value)).toBe(canonicalize(value));
      }),
      { numRuns: 500, examples: [[JSON.parse('{"b":{"__proto__":{"z":1,"a":2}},"a":[-0,{"2":1,"10":0,"x":null}]}')]] },
    ));

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("has no text for %s", (value) => {
    expect(() => canonical({ a: [value] })).toThrow();
  });
});
