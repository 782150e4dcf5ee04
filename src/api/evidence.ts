import type { ProjectState } from "../../projections/project.ts";
import { ExplainInput, explain } from "../audit/explain.ts";
import { ExplainTrainingInput, explainTraining } from "../audit/explain-training.ts";
import type { Explanation, TrainingExplanation } from "../audit/explanation.ts";
import { exportLines } from "../audit/export.ts";
import { type Imported, importLines } from "../audit/import.ts";
import { proveConsistency, proveInclusion, receiptFor } from "../audit/prove.ts";
import { brokenChain, newCheckpoint, type SignedCheckpoint } from "../audit/sign-checkpoint.ts";
import { signerOf } from "../audit/signed-note.ts";
import { type Verification, verifyChains } from "../audit/verify.ts";
import { validated } from "../domain/commands.ts";
import { checkRule, type WhatIf, WhatIfReplay, WhatIfRule } from "../domain/what-if.ts";
import { LedgerError, refuseAborted } from "../errors.ts";
import type { PolicyData } from "../events/events.ts";
import { ProjectName, streamOf } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import type { Positions } from "../ledger/positions.ts";
import { foldedEvent, type ProjectCache } from "../ledger/project-cache.ts";
import { foldOfLog } from "../ledger/project-fold.ts";
import type { Queries } from "../ledger/queries.ts";
import type { Runtime } from "../runtime.ts";
import type { EventStore } from "../store/event-store.ts";
import {
  AnyFields,
  CheckpointInput,
  ConsistencyInput,
  ExportInput,
  ExportSource,
  ImportInput,
  VerifyInput,
} from "./inputs.ts";
import type {
  CheckpointOptions,
  ConsistencyOptions,
  ExplainOptions,
  ExplainTrainingOptions,
  ExportOptions,
  ImportOptions,
  ProofOptions,
  VerifyOptions,
} from "./ledger.ts";

interface Parts {
  readonly store: EventStore;
  readonly runtime: Runtime;
  readonly defaults: PolicyData;
  readonly cache: ProjectCache<ProjectState>;
  readonly queries: Queries;
  readonly positions: Positions;
}

type Fold = (project: string) => Promise<{ readonly state: ProjectState }>;

/** What an auditor asks for: why, what if, and the proof. */
export class Evidence {
  readonly #store: EventStore;
  readonly #runtime: Runtime;
  readonly #defaults: PolicyData;
  readonly #cache: ProjectCache<ProjectState>;
  readonly #queries: Queries;
  readonly #positions: Positions;

  constructor({ store, runtime, defaults, cache, queries, positions }: Parts) {
    this.#store = store;
    this.#runtime = runtime;
    this.#defaults = defaults;
    this.#cache = cache;
    this.#queries = queries;
    this.#positions = positions;
  }

  async explain(input: ExplainOptions | ExplainTrainingOptions): Promise<Explanation | TrainingExplanation> {
    const given = validated(AnyFields, input, "query");
    return "version" in given || "modelId" in given ? this.#explainTraining(input) : this.#explainDeployment(input);
  }

  async #explainTraining(input: unknown): Promise<TrainingExplanation> {
    const checked = validated(ExplainTrainingInput, input, "query");
    return this.#positions.answer(checked, async () => {
      const { state } = await this.#cache.fresh(checked.project);
      return explainTraining({ store: this.#store, state, defaults: this.#defaults }, checked);
    });
  }

  async #explainDeployment(input: unknown, fold: Fold = (project) => this.#cache.fresh(project)): Promise<Explanation> {
    const checked = validated(ExplainInput, input, "query");
    return this.#positions.answer(checked, async () => {
      const { state } = await fold(checked.project);
      return explain({ store: this.#store, state }, checked);
    });
  }

  async whatIf(project: string, rule: WhatIfRule): Promise<WhatIf> {
    const name = validated(ProjectName, project, "project name");
    const checked = validated(WhatIfRule, rule, "rule");
    checkRule(checked, (await this.#queries.known(name)).state);
    const replay = new WhatIfReplay(checked, this.#defaults);
    for await (const stored of this.#store.readStream(streamOf(name))) {
      const event = foldedEvent(recorded(stored));
      if (checked.until !== undefined && event.recordedAt > checked.until) break;
      replay.next(event);
    }
    return replay.result(name, checked.until ?? new Date(this.#runtime.now()).toISOString());
  }

  async verify(options: VerifyOptions = {}): Promise<Verification> {
    const checked = validated(VerifyInput, options, "query");
    return this.#positions.answer(checked, () => verifyChains(this.#store, checked));
  }

  async checkpoint(options: CheckpointOptions): Promise<SignedCheckpoint> {
    const { key, ...rest } = validated(CheckpointInput, options, "options");
    return newCheckpoint(this.#store, signerOf(key), rest);
  }

  async proveInclusion(options: ProofOptions): Promise<string> {
    const { explanation, signer, rest } = await this.#proof(options);
    const { project, revision } = explanation.deployment;
    return proveInclusion(this.#store, { stream: streamOf(project), revision }, signer, rest);
  }

  async proveConsistency(options: ConsistencyOptions): Promise<string> {
    const { older, newer, ...rest } = validated(ConsistencyInput, options, "options");
    return proveConsistency(this.#store, { older, newer }, rest);
  }

  async receipt(options: ProofOptions): Promise<string> {
    const { explanation, signer, rest } = await this.#proof(options);
    const stream = streamOf(explanation.deployment.project);
    return receiptFor(this.#store, { stream, explanation }, signer, rest);
  }

  async #proof(options: ProofOptions) {
    validated(AnyFields, options, "options");
    const { key, signal, onProgress, ...which } = options;
    const { key: text, ...rest } = validated(CheckpointInput, { key, signal, onProgress }, "options");
    const signer = signerOf(text);
    try {
      const until = signal === undefined ? {} : { signal };
      // What is signed must not rest on a snapshot, which no chain holds.
      const fold: Fold = async (project) => ({ state: await foldOfLog(this.#store, project, until) });
      return { explanation: await this.#explainDeployment({ ...which, ...until }, fold), signer, rest };
    } catch (error) {
      refuseAborted(signal);
      // Where somebody took the deployment out, that is the answer, not that there is none.
      await this.#refuseBroken(error, which.project);
      throw error;
    }
  }

  async #refuseBroken(error: unknown, project: string): Promise<void> {
    if (error instanceof LedgerError && error.code === "INVALID_INPUT") return;
    const { firstBroken } = await verifyChains(this.#store, {
      project: validated(ProjectName, project, "project name"),
    });
    if (firstBroken) throw brokenChain(firstBroken);
  }

  export(options: ExportOptions = {}): AsyncIterable<string> {
    return exportLines(this.#store, validated(ExportInput, options, "query"));
  }

  async import(open: () => AsyncIterable<string>, options: ImportOptions = {}): Promise<Imported> {
    const lines = validated(ExportSource, open, "export");
    return importLines(this.#store, lines, validated(ImportInput, options, "options"));
  }
}
