import type { Outcome } from "../simulation/history.ts";
import type { Order } from "../simulation/steps.ts";

/** What a writer is started with. */
export interface Task {
  readonly url: string;
  readonly name: string;
  readonly seed: number;
  readonly projects: readonly string[];
  /** Orders of an earlier life of which nobody knows what became. */
  readonly pending: readonly Order[];
}

/** What a writer tells whoever started it. */
export type Told =
  | { readonly kind: "asks"; readonly call: string; readonly order: Order }
  | { readonly kind: "hears"; readonly call: string; readonly outcome: Outcome; readonly why?: string }
  | { readonly kind: "broken"; readonly why: string }
  | { readonly kind: "finished"; readonly received: readonly string[]; readonly serves: number | undefined };
