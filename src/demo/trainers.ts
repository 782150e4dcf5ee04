import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { JsonObject } from "../events/json-value.ts";
import { CLASSES, type Digit, type Digits, drawn, halved, type Image } from "./digits.ts";
import { confusionMatrix, type Scores, scores } from "./metrics.ts";
import { matricesOfLogisticRegression, optionalPackage } from "./optional-packages.ts";
import { type Random, seededRandom } from "./seeded-random.ts";

interface Model {
  /** One label, 0 to 9, an image. */
  predict(images: readonly Image[]): readonly number[];
  /** The whole model as text, the same text for the same model. */
  serialise(): string;
  /** Gives back memory that the garbage collector does not see; after it the model is of no use. */
  release?(): void;
}

/** A way to learn digits. `hyperparams.rows` is how many of the training digits it looks at, at most; `image_side` how large. */
export interface Trainer {
  readonly algorithm: string;
  readonly hyperparams: JsonObject;
  /** @throws {LedgerError} INVALID_INPUT where the package that trains is not installed. */
  train(digits: readonly Digit[], random: Random): Promise<Model>;
}

interface Training {
  /** Macro F1, accuracy, macro precision and macro recall on the held-out digits. */
  readonly metrics: Scores;
  /** The serialised model and its SHA-256, as `sha256:<hex>`. */
  readonly artifact: { readonly bytes: Uint8Array; readonly digest: string };
  readonly seconds: number;
}

type Sample = { readonly rows: number; readonly image_side: 14 | 7 };

const sized = (images: readonly Image[], { image_side }: Sample): readonly Image[] =>
  image_side === 14 ? images : images.map(halved);

function sampled(digits: readonly Digit[], sample: Sample, random: Random) {
  const known = drawn(digits, sample.rows, random);
  const images = sized(
    known.map(({ image }) => image),
    sample,
  );
  return { images, labels: known.map(({ label }) => label) };
}

interface Fitted {
  predict(images: readonly Image[]): readonly number[];
  toJSON(): object;
}

const modelOf = (fitted: Fitted, sample: Sample): Model => ({
  predict: (images) => fitted.predict(sized(images, sample)),
  serialise: () => JSON.stringify(fitted),
});

const decisionTree = (hyperparams: { readonly max_depth: number } & Sample): Trainer => ({
  algorithm: "decision_tree",
  hyperparams,
  async train(digits, random) {
    const { DecisionTreeClassifier } = optionalPackage("ml-cart");
    const { images, labels } = sampled(digits, hyperparams, random);
    const tree = new DecisionTreeClassifier({ maxDepth: hyperparams.max_depth });
    tree.train(images, labels);
    return modelOf(tree, hyperparams);
  },
});

const randomForest = (
  hyperparams: { readonly trees: number; readonly max_features: number; readonly max_depth: number } & Sample,
): Trainer => ({
  algorithm: "random_forest",
  hyperparams,
  async train(digits, random) {
    const { RandomForestClassifier } = optionalPackage("ml-random-forest");
    const { images, labels } = sampled(digits, hyperparams, random);
    const forest = new RandomForestClassifier({
      seed: Math.floor(random() * 2 ** 31),
      nEstimators: hyperparams.trees,
      maxFeatures: hyperparams.max_features,
      replacement: false,
      noOOB: true,
      treeOptions: { maxDepth: hyperparams.max_depth },
    });
    forest.train(images, labels);
    return modelOf(forest, hyperparams);
  },
});

const naiveBayes = (sample: Sample): Trainer => ({
  algorithm: "naive_bayes",
  hyperparams: { event_model: "multinomial", ...sample },
  async train(digits, random) {
    const { MultinomialNB } = optionalPackage("ml-naivebayes");
    const { images, labels } = sampled(digits, sample, random);
    const bayes = new MultinomialNB();
    bayes.train(images, labels);
    return modelOf(bayes, sample);
  },
});

/** The package has no intercept of its own: a pixel that is always ink stands in for it. */
const withIntercept = (images: readonly Image[]): readonly Image[] => images.map((image) => [...image, 1]);

const logisticRegression = (
  hyperparams: { readonly steps: number; readonly learning_rate: number } & Sample,
): Trainer => ({
  algorithm: "logistic_regression",
  hyperparams,
  async train(digits, random) {
    const LogisticRegression = optionalPackage("ml-logistic-regression");
    const { Matrix } = matricesOfLogisticRegression();
    const { images, labels } = sampled(digits, hyperparams, random);
    const { steps: numSteps, learning_rate: learningRate } = hyperparams;
    const regression = new LogisticRegression({ numSteps, learningRate });
    regression.train(new Matrix(withIntercept(images)), Matrix.columnVector(labels));
    return {
      predict: (unseen) => regression.predict(new Matrix(withIntercept(sized(unseen, hyperparams)))),
      serialise: () => JSON.stringify(regression),
    };
  },
});

const nearestNeighbors = (hyperparams: { readonly k: number } & Sample): Trainer => ({
  algorithm: "k_nearest_neighbors",
  hyperparams,
  async train(digits, random) {
    const NearestNeighbors = optionalPackage("ml-knn");
    const { images, labels } = sampled(digits, hyperparams, random);
    return modelOf(new NearestNeighbors(images, labels, { k: hyperparams.k }), hyperparams);
  },
});

/** Without the listener that libsvm-js brings: it ends the process, and says nothing, at any unhandled rejection anywhere. */
function supportVectorMachines() {
  const before = process.listeners("unhandledRejection");
  const SupportVectorMachine = optionalPackage("libsvm-js/asm"); // its other build writes to stderr as it loads
  for (const listener of process.listeners("unhandledRejection")) {
    if (!before.includes(listener)) process.off("unhandledRejection", listener);
  }
  return SupportVectorMachine;
}

const supportVectorMachine = (
  hyperparams: ({ readonly kernel: "linear" } | { readonly kernel: "rbf"; readonly gamma: number }) & {
    readonly cost: number;
  } & Sample,
): Trainer => ({
  algorithm: "svm",
  hyperparams,
  async train(digits, random) {
    const SupportVectorMachine = supportVectorMachines();
    const { C_SVC } = SupportVectorMachine.SVM_TYPES;
    const { LINEAR, RBF } = SupportVectorMachine.KERNEL_TYPES;
    const { images, labels } = sampled(digits, hyperparams, random);
    const kernel = hyperparams.kernel === "linear" ? { kernel: LINEAR } : { kernel: RBF, gamma: hyperparams.gamma };
    const machine = new SupportVectorMachine({ type: C_SVC, ...kernel, cost: hyperparams.cost, quiet: true });
    machine.train(images, labels);
    return {
      predict: (unseen) => machine.predict(sized(unseen, hyperparams)),
      serialise: () => machine.serializeModel(),
      release: () => machine.free(),
    };
  },
});

/** In the order in which a team would come to them: most are better than all before, some are not and stay on the shelf. */
export const trainers: readonly Trainer[] = [
  decisionTree({ max_depth: 4, rows: 300, image_side: 7 }),
  randomForest({ trees: 20, max_features: 16, max_depth: 8, rows: 200, image_side: 7 }),
  naiveBayes({ rows: 2000, image_side: 14 }),
  decisionTree({ max_depth: 10, rows: 300, image_side: 7 }),
  logisticRegression({ steps: 40, learning_rate: 0.005, rows: 600, image_side: 14 }),
  nearestNeighbors({ k: 5, rows: 2000, image_side: 7 }),
  supportVectorMachine({ kernel: "linear", cost: 1, rows: 2000, image_side: 14 }),
  supportVectorMachine({ kernel: "rbf", gamma: 0.05, cost: 5, rows: 2000, image_side: 14 }),
  nearestNeighbors({ k: 1, rows: 1000, image_side: 7 }),
];

/**
 * Trains on the training digits, scores on the held-out ones. The same trainer, digits and seed give the same scores and
 * the same artifact. Lets timers and input have their turn first, though not while the library trains.
 * @throws {LedgerError} INVALID_INPUT where the package that trains is not installed.
 */
export async function trainAndScore(trainer: Trainer, digits: Digits, seed: number): Promise<Training> {
  await setImmediate();
  const start = performance.now();
  const model = await trainer.train(digits.training, seededRandom(seed));
  try {
    const actual = digits.heldOut.map(({ label }) => label);
    const predicted = model.predict(digits.heldOut.map(({ image }) => image));
    const bytes = Buffer.from(model.serialise());
    return {
      metrics: scores(confusionMatrix(actual, predicted, CLASSES)),
      artifact: { bytes, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}` },
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    model.release?.();
  }
}
