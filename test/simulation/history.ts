import { Memory } from "./settled.ts";
import type { Answer, Order } from "./steps.ts";

/** What came of an attempt. */
export type Outcome =
  | { readonly kind: "accepted"; readonly answer: Answer }
  | { readonly kind: "refused"; readonly code: string }
  /** It may have been written. */
  | { readonly kind: "unknown" };

/** One try of an order, and between which states of the project's stream (in events) it happened. */
export interface Attempt {
  /** Its correlationId. */
  readonly call: string;
  readonly order: Order;
  readonly headBefore: number;
  headAfter: number;
  outcome: Outcome;
  /** What the clock of whoever was asked said meanwhile, at the least and at the most; nothing when nobody looked. */
  clock: readonly string[];
}

/** A question that was answered. `holds` is asked with a number of events of the project: is the answer right then? */
export interface Observation {
  readonly what: string;
  readonly project: string;
  readonly from: number;
  readonly to: number;
  readonly holds: (truth: ProjectTruth, events: number) => boolean;
}

/** What the log of a project says, worked out by the checks, independently of the product's folds. */
export interface ProjectTruth {
  /** Number and version of the deployment that is active after so many events. */
  activeAt(environment: string, events: number): { readonly number: number; readonly version: number } | undefined;
  modelsAt(events: number): number;
  retiredAt(events: number): number;
  deploymentsAt(events: number): readonly string[];
  leadersAt(events: number): readonly number[];
  /** The policy in force, in the words of `policyText`. */
  policyAt(events: number): string;
  /** How many of the events were recorded at the time or before it, or stand at the position or before it. */
  eventsUntil(time: string): number;
  eventsUntilPosition(position: string): number;
}

/** Everything that the outside of the world was told. */
export class History {
  readonly attempts: Attempt[] = [];
  readonly observations: Observation[] = [];
  readonly settled = new Memory();
  /** Signed heads of the log, which it must go on beginning with. */
  readonly checkpoints: { readonly checkpoint: string; readonly publicKey: string }[] = [];
  /** What was found wrong on the way. */
  readonly violations: string[] = [];

  wrong(violation: string): void {
    this.violations.push(violation);
  }
}
