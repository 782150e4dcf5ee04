import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { differenceExceeds } from "../../src/domain/decimal.ts";

/** Numbers are compared as the decimals that people read. */
describe("a difference", () => {
  test.each([
    [0.8, 0.7, 0.1, false],
    [0.81, 0.7, 0.1, true],
    [0.3, 0.1, 0.2, false],
    [3, 1, 2, false],
    [3, 1, 1.99, true],
    [100, 20, 79, true],
    [100, 20, 80, false],
    [-0.1, -0.3, 0.2, false],
    [-0.1, -0.3, 0.19, true],
    [0.5, 0.75, -0.25, false],
    [0.5, 0.75, -0.26, true],
    [1e21, 1, 1e21, false],
    [1e21, -1, 1e21, true],
    [5e-324, 0, 0, true],
    [1.5e-7, 1e-7, 5e-8, false],
    [1.5e-7, 1e-7, 4.9e-8, true],
    [12_345.678, 12_345.668, 0.01, false],
  ])("of %d and %d against %d", (a, b, limit, exceeds) => expect(differenceExceeds(a, b, limit)).toBe(exceeds));
  test("of whole hundredths is what whole numbers say it is", () => {
    const hundredths = fc.integer({ min: -100_000, max: 100_000 });
    fc.assert(
      fc.property(hundredths, hundredths, hundredths, (a, b, limit) => {
        expect(differenceExceeds(a / 100, b / 100, limit / 100)).toBe(a - b > limit);
      }),
    );
  });
});
