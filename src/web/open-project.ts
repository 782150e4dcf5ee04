import { computed, signal } from "@preact/signals";
import { projectPath } from "../api/project-path.ts";
import type { Model, Project, RecordedEvent, Stretch } from "./answers.ts";
import { into } from "./field.tsx";
import { later } from "./later.ts";
import { onEvent, onStart } from "./live.ts";
import { ask, pages } from "./service.ts";
import { calmly, untilDone } from "./until-done.ts";

/** Events come in crowds; they are shown together. */
const CALM_MS = 100;
/** As many rows as the service gives at once. */
const PAGE = 1_000;

/** One project with all its models and the stretches of one environment, kept current by the events. */
export class OpenProject {
  readonly name: string;
  readonly summary = signal<Project | undefined>(undefined);
  readonly problem = signal<string | undefined>(undefined);
  /** By version, as far as they have arrived. */
  readonly models = signal<readonly Model[]>([]);
  readonly stretches = signal<readonly Stretch[]>([]);
  readonly environment = signal("production");
  /** The position of the last deployment heard of; changes with each. */
  readonly lastDeployment = signal("");
  /** The position of the last event heard of. */
  readonly lastEvent = signal("");

  readonly environments = computed(() => {
    const { active = [], policy } = this.summary.value ?? {};
    const known = new Set(active.map(({ environment }) => environment));
    known.add(policy?.environment ?? "production");
    return [...known].sort();
  });

  readonly #byVersion = new Map<number, Model>();
  /** What events said since the page was opened: a page of models that was under way meanwhile does not know it. */
  readonly #retirements = new Map<number, boolean>();
  #pending: RecordedEvent[] = [];
  #stop = new AbortController();
  readonly #forget: (() => void)[];

  constructor(name: string) {
    this.name = name;
    const summarise = calmly(0, () => this.#try((signal) => this.#loadSummary(signal)));
    const refresh = calmly(CALM_MS, async () => {
      this.#takePending();
      void summarise(); // no event waits for the answer
    });
    this.#forget = [
      onStart(() => void this.#load()),
      onEvent((event) => {
        if (event.data.project !== name) return;
        this.#pending.push(event);
        void refresh();
      }),
    ];
  }

  close(): void {
    this.#stop.abort();
    for (const forget of this.#forget) forget();
  }

  async show(environment: string): Promise<void> {
    if (environment === this.environment.value) return;
    this.environment.value = environment;
    this.stretches.value = [];
    await this.#try((signal) => this.#loadStretches(signal));
  }

  async #load(): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    await this.#try(async (signal) => {
      await this.#loadSummary(signal);
      await Promise.all([this.#loadStretches(signal), this.#loadModels(signal)]);
    });
  }

  async #loadSummary(signal: AbortSignal): Promise<void> {
    const known = { min_position: this.lastEvent.value };
    const summary = await ask<Project>(projectPath(this.name), known, signal);
    if (this.summary.value === undefined) this.environment.value = environmentToShow(summary);
    this.summary.value = later(this.summary.value, summary);
  }

  async #loadStretches(signal: AbortSignal): Promise<void> {
    const environment = this.environment.value;
    const found: Stretch[] = [];
    for await (const page of pages<Stretch>(
      `${projectPath(this.name)}/timeline`,
      { environment, limit: PAGE },
      signal,
    )) {
      found.push(...page);
    }
    if (environment === this.environment.value) this.stretches.value = found;
  }

  async #loadModels(signal: AbortSignal): Promise<void> {
    for await (const page of pages<Model>(`${projectPath(this.name)}/models`, { limit: PAGE }, signal)) {
      for (const model of page) {
        const isRetired = this.#retirements.get(model.version) ?? model.isRetired;
        this.#byVersion.set(model.version, { ...model, isRetired });
      }
      this.#showModels();
    }
  }

  #try(act: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    return untilDone(() => act(signal), signal, into(this.problem));
  }

  #takePending(): void {
    const events = this.#pending;
    this.#pending = [];
    const last = events.at(-1);
    if (last === undefined) return;
    for (const event of events) this.#take(event);
    if (events.some(({ type }) => type !== "ModelDeployed" && type !== "PolicySet")) this.#showModels();
    const deployed = events.findLast(({ type }) => type === "ModelDeployed");
    if (deployed !== undefined) this.lastDeployment.value = deployed.position;
    this.lastEvent.value = last.position;
  }

  #take(event: RecordedEvent): void {
    switch (event.type) {
      case "ModelTrained":
        this.#byVersion.set(event.data.version, modelOf(event));
        return;
      case "ModelDeployed":
        if (event.data.environment === this.environment.value) {
          this.stretches.value = withDeployment(this.stretches.value, event);
        }
        return;
      case "ModelRetired":
      case "ModelReinstated": {
        const model = this.#byVersion.get(event.data.version);
        const isRetired = event.type === "ModelRetired";
        this.#retirements.set(event.data.version, isRetired);
        if (model !== undefined) this.#byVersion.set(event.data.version, { ...model, isRetired });
        return;
      }
      case "PolicySet":
        return;
    }
  }

  #showModels(): void {
    this.models.value = [...this.#byVersion.values()].sort((a, b) => a.version - b.version);
  }
}

function environmentToShow({ active, policy }: Project): string {
  const isActive = active.some(({ environment }) => environment === policy.environment);
  return isActive ? policy.environment : (active[0]?.environment ?? policy.environment);
}

type EventOf<Type extends RecordedEvent["type"]> = Extract<RecordedEvent, { readonly type: Type }>;

function modelOf({ data, metadata, recordedAt, revision }: EventOf<"ModelTrained">): Model {
  const { actor, reason } = metadata;
  return { ...data, isRetired: false, actor, ...(reason !== undefined && { reason }), recordedAt, revision };
}

function withDeployment(past: readonly Stretch[], event: EventOf<"ModelDeployed">): readonly Stretch[] {
  const { data, metadata, recordedAt, revision } = event;
  const before = past.at(-1);
  if (before !== undefined && before.deployment.number >= data.number) return past;
  const { modelId, version, algorithm, deploymentId, number, strategy, deployedAt } = data;
  const { actor, reason } = metadata;
  const deployment = { deploymentId, number, strategy, actor, ...(reason !== undefined && { reason }), deployedAt };
  const stretch: Stretch = {
    model: { modelId, version, algorithm },
    deployment: { ...deployment, recordedAt, revision },
    activeFrom: recordedAt,
    activeTo: null,
  };
  return [...past.slice(0, -1), ...(before ? [{ ...before, activeTo: recordedAt }] : []), stretch];
}
