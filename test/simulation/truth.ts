import type { Policy, RecordedEvent } from "../../src/index.ts";
import { Naive, type Step } from "../domain/naive-model.ts";
import type { Attempt, ProjectTruth } from "./history.ts";

export interface NaiveAnswer {
  readonly refused?: string;
  readonly environment?: string;
  readonly version?: number;
  readonly number?: number;
  readonly replays?: number;
  readonly candidates?: number;
}

/** The events of one command, as they stand together in the log. */
export interface Group {
  readonly commandId: string;
  readonly call: string;
  readonly first: number;
  readonly events: readonly RecordedEvent[];
}

export function copyOf(naive: Naive): Naive {
  const copy = new Naive();
  copy.models.push(...naive.models.map((model) => ({ ...model })));
  copy.deployments.push(...naive.deployments);
  const { policy, exists } = naive;
  return Object.assign(copy, { policy, exists });
}

/**
 * The log of one project, taken through the naive model of CONTRACT §4: what each command should have come to, what
 * every question should be answered with, after any number of events.
 */
export class ProjectLog implements ProjectTruth {
  readonly project: string;
  readonly events: readonly RecordedEvent[];
  readonly groups: readonly Group[];
  /** What is wrong with the log itself. */
  readonly violations: string[] = [];
  /** By number of events, where a command begins or the log ends. */
  readonly #states = new Map<number, Naive>();

  constructor(project: string, events: readonly RecordedEvent[], attempts: ReadonlyMap<string, Attempt>) {
    this.project = project;
    this.events = events;
    this.groups = groupsOf(events);
    const naive = new Naive();
    for (const group of this.groups) {
      this.#states.set(group.first, copyOf(naive));
      this.#replay(group, naive, attempts.get(group.call));
    }
    this.#states.set(events.length, naive);
  }

  /** What the contract says to a step after so many events; undefined in the middle of a command. */
  stateAt(events: number): Naive | undefined {
    const state = this.#states.get(events);
    return state && copyOf(state);
  }

  #replay(group: Group, naive: Naive, attempt: Attempt | undefined): void {
    const where = `${this.project}@${group.first}`;
    if (attempt === undefined) {
      this.violations.push(`${where} was written by nobody (${group.call})`);
      return;
    }
    const { step, reason } = attempt.order;
    const now = group.events[0]?.recordedAt ?? "";
    const said: NaiveAnswer | undefined = naive.take(step, { now, hasReason: reason !== undefined });
    if (said?.refused !== undefined) {
      this.violations.push(`${where}: ${step.do} was written, but the contract refuses it with ${said.refused}`);
      return;
    }
    const types = group.events.map(({ type }) => type).join("+");
    const wanted = typesOf(step, said);
    if (types !== wanted) this.violations.push(`${where}: ${step.do} wrote ${types || "nothing"} instead of ${wanted}`);
    this.#compareDeployment(where, group, said);
    const trained = group.events.find((event) => event.type === "ModelTrained");
    if (trained?.type === "ModelTrained" && trained.data.version !== naive.models.length) {
      this.violations.push(`${where}: version ${trained.data.version} follows ${naive.models.length - 1}`);
    }
  }

  #compareDeployment(where: string, { events }: Group, said: NaiveAnswer | undefined): void {
    const event = events.find((one) => one.type === "ModelDeployed");
    if (event?.type !== "ModelDeployed" || said === undefined) return;
    const { version, number, decision, replays, environment } = event.data;
    const replayed =
      replays === undefined
        ? undefined
        : this.events.find((one) => one.type === "ModelDeployed" && one.data.deploymentId === replays);
    const replayedNumber = replayed?.type === "ModelDeployed" ? replayed.data.number : undefined;
    const found = JSON.stringify([environment, version, number, decision.candidates, replayedNumber]);
    const wanted = JSON.stringify([said.environment, said.version, said.number, said.candidates, said.replays]);
    if (found !== wanted) {
      this.violations.push(
        `${where}: [environment, version, number, candidates, replays] is ${found}, and the contract says ${wanted}`,
      );
    }
  }

  activeAt(environment: string, events: number): { readonly number: number; readonly version: number } | undefined {
    for (let index = Math.min(events, this.events.length) - 1; index >= 0; index--) {
      const event = this.events[index];
      if (event?.type === "ModelDeployed" && event.data.environment === environment) return event.data;
    }
    return undefined;
  }

  #count(type: RecordedEvent["type"], events: number): number {
    let count = 0;
    for (let index = 0; index < events; index++) if (this.events[index]?.type === type) count += 1;
    return count;
  }

  modelsAt(events: number): number {
    return this.#count("ModelTrained", events);
  }

  retiredAt(events: number): number {
    return this.#count("ModelRetired", events) - this.#count("ModelReinstated", events);
  }

  deploymentsAt(events: number): readonly string[] {
    return this.events
      .slice(0, events)
      .flatMap((event) => (event.type === "ModelDeployed" ? [`${event.data.environment} ${event.data.number}`] : []));
  }

  leadersAt(events: number): readonly number[] {
    const state = this.#stateNear(events);
    if (state === undefined) return [];
    const { metric, goal } = state.policy;
    return state.models
      .flatMap(({ version, metrics, retired }) => {
        const score = metrics[metric];
        return retired || score === undefined ? [] : [{ version, score }];
      })
      .sort((a, b) =>
        a.score === b.score ? a.version - b.version : (a.score - b.score) * (goal === "maximize" ? -1 : 1),
      )
      .map(({ version }) => version);
  }

  policyAt(events: number): string {
    const state = this.#stateNear(events);
    return state === undefined ? "" : policyText(state.policy);
  }

  /** Within a command only whether the training's deployment is there yet differs, for those who do not ask for that. */
  #stateNear(events: number): Naive | undefined {
    return this.#states.get(events) ?? this.#states.get(events + 1);
  }

  eventsUntil(time: string): number {
    return this.events.filter(({ recordedAt }) => recordedAt <= time).length;
  }

  eventsUntilPosition(position: string): number {
    return this.events.filter((event) => event.position <= position).length;
  }
}

/** A policy in force as text, to compare two. */
export function policyText(policy: Policy | Naive["policy"]): string {
  const { automaticDeploy, minImprovement, environment, requireReason, frozen, metric, goal } = policy;
  const freeze = frozen && [frozen.reason, frozen.until];
  return JSON.stringify([automaticDeploy, minImprovement, environment, requireReason, freeze, metric, goal]);
}

/** Events of one command lie side by side, with one commandId and one attempt that wrote them. */
function groupsOf(events: readonly RecordedEvent[]): readonly Group[] {
  const groups: (Omit<Group, "events"> & { readonly events: RecordedEvent[] })[] = [];
  events.forEach((event, index) => {
    const { commandId, correlationId: call } = event.metadata;
    const last = groups.at(-1);
    const isNext = last?.call === call && last.commandId === commandId && event.type === "ModelDeployed";
    if (last && isNext && last.events.length === 1 && last.events[0]?.type === "ModelTrained") last.events.push(event);
    else groups.push({ commandId, call, first: index, events: [event] });
  });
  return groups;
}

function typesOf(step: Step, said: NaiveAnswer | undefined): string {
  switch (step.do) {
    case "train":
      return said === undefined ? "ModelTrained" : "ModelTrained+ModelDeployed";
    case "deploy":
    case "specific":
    case "promote":
      return "ModelDeployed";
    case "retire":
      return "ModelRetired";
    case "reinstate":
      return "ModelReinstated";
    case "policy":
      return "PolicySet";
  }
}
