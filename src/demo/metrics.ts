/** `matrix[actual][predicted]`: how many samples of the class `actual` were taken for `predicted`. Square. */
type ConfusionMatrix = readonly (readonly number[])[];

export type Scores = {
  readonly f1: number;
  readonly accuracy: number;
  readonly precision: number;
  readonly recall: number;
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => ratio(sum(values), values.length);
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/**
 * Counts labels 0 ≤ n < `classes`, sample by sample.
 * @throws {RangeError} when the lists differ in length, or a label is not one of the classes.
 */
export function confusionMatrix(
  actual: readonly number[],
  predicted: readonly number[],
  classes: number,
): ConfusionMatrix {
  if (actual.length !== predicted.length) {
    throw new RangeError(`${actual.length} samples have ${predicted.length} predictions`);
  }
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [index, label] of actual.entries()) {
    const guess = predicted[index] ?? Number.NaN;
    const row = matrix[label];
    const count = row?.[guess];
    if (row === undefined || count === undefined) {
      throw new RangeError(
        `sample ${index}: label ${label}, predicted ${guess}, are not both among ${classes} classes`,
      );
    }
    row[guess] = count + 1;
  }
  return matrix;
}

/**
 * The usual scores of a classification, each from 0 to 1.
 *
 * With TP, FP and FN counted for one class against all others: precision = TP / (TP + FP), recall = TP / (TP + FN),
 * F1 = 2 TP / (2 TP + FP + FN), which is the harmonic mean of the two; where a denominator is 0 the value is 0.
 * `precision`, `recall` and `f1` are macro averages: the plain mean over the classes, each counting the same however
 * many samples it has (and `f1` is the mean of the F1s, not the F1 of the means). `accuracy` is the share of all samples
 * predicted right. The same definitions as scikit-learn's `average="macro"`, `zero_division=0`.
 */
export function scores(matrix: ConfusionMatrix): Scores {
  const perClass = matrix.map((row, index) => {
    const right = row[index] ?? 0;
    const actual = sum(row);
    const predicted = sum(matrix.map((other) => other[index] ?? 0));
    return {
      right,
      precision: ratio(right, predicted),
      recall: ratio(right, actual),
      f1: ratio(2 * right, predicted + actual),
    };
  });
  return {
    f1: mean(perClass.map(({ f1 }) => f1)),
    accuracy: ratio(sum(perClass.map(({ right }) => right)), sum(matrix.map(sum))),
    precision: mean(perClass.map(({ precision }) => precision)),
    recall: mean(perClass.map(({ recall }) => recall)),
  };
}
