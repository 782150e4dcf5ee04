import fc from "fast-check";
import { expect, test } from "vitest";
import { holds, searchable } from "../../src/ledger/searchable.ts";

test("neither case nor composition tells two reasons apart", () => {
  expect(searchable("E\u0301TE\u0301 \u1112\u1161\u11ab")).toBe("\u00e9t\u00e9 \ud55c");
  const marks = "\u0301\u0327".repeat(15);
  expect(searchable(`a${marks}`)).toBe(`a${marks}`.normalize("NFC"));
});

test("a reason of a million marks is searched like any other", () => {
  const acutes = "\u0301".repeat(500_000);
  const begun = performance.now();
  expect(searchable(`Rolled back ${acutes}${"\u0327".repeat(500_000)}.`)).toContain(searchable("rolled Back \u0301"));
  expect(performance.now() - begun).toBeLessThan(10_000);
});

test("a long reason holds what it includes, and nothing else", () => {
  const letters = fc.array(fc.constantFrom("a", "a", "a", "b"), { minLength: 400, maxLength: 600 });
  fc.assert(
    fc.property(letters, fc.nat({ max: 100 }), fc.nat({ max: 299 }), fc.boolean(), (given, from, place, isChanged) => {
      const text = given.join("");
      const part = given.slice(from, from + 300);
      if (isChanged) part[place] = part[place] === "a" ? "b" : "a";
      expect(holds(text, part.join(""))).toBe(text.includes(part.join("")));
    }),
  );
});

test("a reason that repeats itself is searched as fast as another", () => {
  const half = "a".repeat(250_000);
  const begun = performance.now();
  expect(holds("a".repeat(1_000_000), `${half}b${half}`)).toBe(false);
  expect(performance.now() - begun).toBeLessThan(10_000);
});
