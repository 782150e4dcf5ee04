import { globSync } from "node:fs";
import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { InstrumenterContext } from "@stryker-mutator/api/core";
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin";
import {
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  MutantRunStatus,
  type TestResult,
  type TestRunner,
  TestStatus,
  toMutantRunResult,
} from "@stryker-mutator/api/test-runner";
import fc from "fast-check";
import { type Spec, specsOf } from "./specs.ts";

/** The quick tests of the rules and the folds, which await no store. */
const SPECS = "test/{domain,projections}/*.test.ts";
/** Holds the server to what the folds give in process, not the folds to the contract. */
const NO_SPECS = ["test/projections/on-server.test.ts"];

/** Asked last: what a quick spec notices, a property need not. */
const isSlow = (file: string): boolean => file.endsWith("properties.test.ts");

/** The same few examples of a property for each mutant, and none made smaller: that it fails is enough. */
const PROPERTIES = { numRuns: 10, seed: 1, endOnFailure: true };

/** Where the instrumented code looks which mutant it is to be, and counts what it runs. */
const stryker: InstrumenterContext = {};
Object.assign(globalThis, { __stryker__: stryker });

/**
 * A test runner for Stryker that keeps the specs loaded, and the code that they test, from mutant to mutant. Starting
 * vitest for each takes seconds, where the specs that reach a mutant take milliseconds.
 */
class SpecRunner implements TestRunner {
  #specs: readonly Spec[] = [];
  /** Whether no mutant took part in loading them. */
  #isAsItWas = false;
  /** Part of every URL in the sandbox: a file of another generation is another module. */
  #generation = 0;

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    fc.configureGlobal(PROPERTIES);
    const sandbox = pathToFileURL(`${process.cwd()}/`).href;
    const vitest = new URL("specs.ts", import.meta.url).href;
    registerHooks({
      resolve: (specifier, context, next) => {
        const isOurs = context.parentURL?.startsWith(sandbox);
        if (isOurs && specifier === "vitest") return { url: vitest, shortCircuit: true };
        const found = next(specifier, context);
        return found.url.startsWith(sandbox) ? { ...found, url: `${found.url}?${this.#generation}` } : found;
      },
    });
  }

  async dryRun(): Promise<DryRunResult> {
    await this.#load(true);
    const tests: TestResult[] = [];
    for (const spec of this.#specs) {
      stryker.currentTestId = spec.id;
      tests.push(await resultOf(spec));
      delete stryker.currentTestId;
    }
    const { mutantCoverage } = stryker;
    return { status: DryRunStatus.Complete, tests, ...(mutantCoverage && { mutantCoverage }) };
  }

  async mutantRun({
    activeMutant,
    mutantActivation,
    hitLimit,
    testFilter,
  }: MutantRunOptions): Promise<MutantRunResult> {
    Object.assign(stryker, { activeMutant: undefined, hitCount: 0, hitLimit });
    const isOfLoading = mutantActivation === "static";
    if (isOfLoading) stryker.activeMutant = activeMutant.id;
    if (isOfLoading || !this.#isAsItWas) {
      const loading = await resultOf({ id: "loading", run: () => this.#load(!isOfLoading) });
      if (loading.status === TestStatus.Failed) {
        return { status: MutantRunStatus.Killed, killedBy: [], failureMessage: loading.failureMessage, nrOfTests: 0 };
      }
    }
    stryker.activeMutant = activeMutant.id;
    const tests: TestResult[] = [];
    for (const spec of this.#specs) {
      if (testFilter && !testFilter.includes(spec.id)) continue;
      const result = await resultOf(spec);
      tests.push(result);
      if (result.status === TestStatus.Failed) break;
    }
    const loop = determineHitLimitReached(stryker.hitCount, hitLimit);
    return toMutantRunResult(loop ?? { status: DryRunStatus.Complete, tests });
  }

  async #load(isAsItWas: boolean): Promise<void> {
    this.#isAsItWas = isAsItWas;
    this.#generation += 1;
    const specs: Spec[] = [];
    const files = globSync(SPECS, { exclude: NO_SPECS }).sort((a, b) => Number(isSlow(a)) - Number(isSlow(b)));
    for (const file of files) {
      specs.push(...(await specsOf(file, () => import(`${pathToFileURL(resolve(file)).href}?${this.#generation}`))));
    }
    this.#specs = specs;
  }
}

async function resultOf({ id, run }: Spec): Promise<TestResult> {
  const begun = performance.now();
  const told = () => ({ id, name: id, timeSpentMs: performance.now() - begun });
  try {
    await run();
    return { ...told(), status: TestStatus.Success };
  } catch (error) {
    return { ...told(), status: TestStatus.Failed, failureMessage: String(error) };
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, "specs", SpecRunner)];
