// What the demo uses of packages that bring no types of their own (or, like ml-random-forest, broken ones).

type Rows = readonly (readonly number[])[];

declare module "mnist" {
  /** One entry a digit, 0 to 9. `raw`: its images one after the other, each 28 × 28 grey values from 0 to 1, row by row. */
  const digits: readonly { readonly raw: readonly number[] }[];
  export = digits;
}

declare module "ml-cart" {
  export class DecisionTreeClassifier {
    constructor(options: { readonly maxDepth: number });
    train(features: Rows, labels: readonly number[]): void;
    predict(features: Rows): number[];
    toJSON(): object;
  }
}

declare module "ml-random-forest" {
  export class RandomForestClassifier {
    constructor(options: {
      readonly seed: number;
      readonly nEstimators: number;
      readonly maxFeatures: number;
      readonly replacement: boolean;
      readonly noOOB: boolean;
      readonly treeOptions: { readonly maxDepth: number };
    });
    train(features: Rows, labels: readonly number[]): void;
    predict(features: Rows): number[];
    toJSON(): object;
  }
}

declare module "ml-knn" {
  class NearestNeighbors {
    constructor(features: Rows, labels: readonly number[], options: { readonly k: number });
    predict(features: Rows): number[];
    toJSON(): object;
  }
  export = NearestNeighbors;
}

declare module "ml-naivebayes" {
  export class MultinomialNB {
    train(features: Rows, labels: readonly number[]): void;
    predict(features: Rows): number[];
    toJSON(): object;
  }
}

declare module "ml-logistic-regression" {
  class LogisticRegression {
    constructor(options: { readonly numSteps: number; readonly learningRate: number });
    train(features: LogisticRegression.Matrix, labels: LogisticRegression.Matrix): void;
    predict(features: LogisticRegression.Matrix): number[];
    toJSON(): object;
  }
  namespace LogisticRegression {
    interface Matrix {
      readonly rows: number;
    }
    /** The module ml-matrix, as far as it makes what this package takes. */
    interface Matrices {
      readonly Matrix: {
        new (rows: Rows): Matrix;
        columnVector(values: readonly number[]): Matrix;
      };
    }
  }
  export = LogisticRegression;
}

declare module "libsvm-js/asm" {
  class SupportVectorMachine {
    static readonly SVM_TYPES: { readonly C_SVC: string };
    static readonly KERNEL_TYPES: { readonly LINEAR: string; readonly RBF: string };
    constructor(options: {
      readonly type: string;
      readonly kernel: string;
      readonly cost: number;
      readonly gamma?: number;
      readonly quiet: boolean;
    });
    train(features: Rows, labels: readonly number[]): void;
    predict(features: Rows): number[];
    serializeModel(): string;
    free(): void;
  }
  export = SupportVectorMachine;
}
