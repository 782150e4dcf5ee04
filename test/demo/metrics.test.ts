import { describe, expect, test } from "vitest";
import { confusionMatrix, scores } from "../../src/demo/metrics.ts";

describe("the confusion matrix", () => {
  test("has the actual class down the side and the predicted one across", () => {
    expect(confusionMatrix([0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 0, 2], 3)).toEqual([
      [1, 1, 0],
      [0, 1, 0],
      [1, 0, 2],
    ]);
  });

  test("has a row and a column for a class that never occurs", () => {
    expect(confusionMatrix([0], [0], 2)).toEqual([
      [1, 0],
      [0, 0],
    ]);
  });

  test.each([
    ["lists of different length", [0, 1], [0]],
    ["a label outside the classes", [2], [0]],
    ["a prediction outside the classes", [0], [-1]],
    ["a prediction that is no number", [0], [Number.NaN]],
  ])("refuses %s", (_, actual, predicted) => {
    expect(() => confusionMatrix(actual, predicted, 2)).toThrow(RangeError);
  });
});

describe("the scores", () => {
  test("of two classes are the means of what each scores against the other", () => {
    // class 0: TP 8, FN 2, FP 1; class 1: TP 4, FN 1, FP 2
    const { f1, accuracy, precision, recall } = scores([
      [8, 2],
      [1, 4],
    ]);
    expect(accuracy).toBeCloseTo(12 / 15, 12);
    expect(precision).toBeCloseTo((8 / 9 + 4 / 6) / 2, 12);
    expect(recall).toBeCloseTo((8 / 10 + 4 / 5) / 2, 12);
    expect(f1).toBeCloseTo((16 / 19 + 8 / 11) / 2, 12);
  });

  test("count a rare class as much as a common one", () => {
    // class 0: TP 90, FN 0, FP 10; class 1: never predicted
    const { f1, accuracy, precision, recall } = scores([
      [90, 0],
      [10, 0],
    ]);
    expect(accuracy).toBeCloseTo(0.9, 12);
    expect(precision).toBeCloseTo(0.9 / 2, 12);
    expect(recall).toBeCloseTo(1 / 2, 12);
    expect(f1).toBeCloseTo(180 / 190 / 2, 12);
  });

  test("of three classes: F1 is the mean of the F1s, not the F1 of the means", () => {
    // class 0: TP 1, FN 1, FP 1; class 1: TP 1, FN 0, FP 1; class 2: TP 2, FN 1, FP 0
    const { f1, accuracy, precision, recall } = scores([
      [1, 1, 0],
      [0, 1, 0],
      [1, 0, 2],
    ]);
    expect(accuracy).toBeCloseTo(4 / 6, 12);
    expect(precision).toBeCloseTo((1 / 2 + 1 / 2 + 1) / 3, 12);
    expect(recall).toBeCloseTo((1 / 2 + 1 + 2 / 3) / 3, 12);
    expect(f1).toBeCloseTo((1 / 2 + 2 / 3 + 4 / 5) / 3, 12);
    expect(f1).not.toBeCloseTo((2 * precision * recall) / (precision + recall), 3);
  });

  test("are 1 when all is right and 0 when nothing is", () => {
    const right = scores([
      [3, 0],
      [0, 2],
    ]);
    const wrong = scores([
      [0, 3],
      [2, 0],
    ]);
    expect(right).toEqual({ f1: 1, accuracy: 1, precision: 1, recall: 1 });
    expect(wrong).toEqual({ f1: 0, accuracy: 0, precision: 0, recall: 0 });
  });
});
