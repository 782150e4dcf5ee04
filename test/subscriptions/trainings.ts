import type { Ledger } from "../../src/api/ledger.ts";
import type { RecordedEvent } from "../../src/events/events.ts";

/** What the tests of subscriptions let happen, and hear. */

export async function train(ledger: Ledger, count: number, project = "Digits"): Promise<void> {
  for (let index = 0; index < count; index++) {
    await ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1: index } });
  }
}
export const TRAINED = { types: ["ModelTrained" as const] };
export const versionOf = (event: RecordedEvent): number => (event.type === "ModelTrained" ? event.data.version : 0);

/** Collects versions, and says when there are so many. */
export function collector(wanted: number) {
  const versions: number[] = [];
  const { promise: isFull, resolve } = Promise.withResolvers<void>();
  return {
    versions,
    isFull,
    async handle(event: RecordedEvent): Promise<void> {
      versions.push(versionOf(event));
      if (versions.length === wanted) resolve();
    },
  };
}
