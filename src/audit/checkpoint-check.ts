import type { Link, LoggedEvent } from "./chain-check.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { leafText } from "./leaf.ts";
import { leafHash, TreeHead } from "./merkle.ts";
import type { Verifier } from "./signed-note.ts";

/** What came of a checkpoint that was kept elsewhere. */
export interface Checked {
  readonly ok: boolean;
  /** Whose log it is of, and how many events it was signed over; where its signature holds. */
  readonly origin?: string;
  readonly size?: number;
  readonly why?: string;
}

/** Whether a log begins with the events that a checkpoint was signed over. */
export class CheckpointCheck {
  readonly #checkpoint: Checkpoint | { readonly why: string };
  readonly #tree = new TreeHead();
  #last: LoggedEvent | undefined;

  constructor(note: string, verifier: Verifier) {
    this.#checkpoint = openCheckpoint(note, verifier);
  }

  /** Whether it was not signed as it should be: no event need be looked at. */
  get isRefused(): boolean {
    return "why" in this.#checkpoint;
  }

  add(event: LoggedEvent, link: Link): void {
    if ("why" in this.#checkpoint || this.#tree.size >= this.#checkpoint.size) return;
    this.#tree.add(leafHash(leafText(event, link)));
    this.#last = event;
  }

  result(): Checked {
    if ("why" in this.#checkpoint) return { ok: false, why: this.#checkpoint.why };
    const { origin, size, root } = this.#checkpoint;
    const found = this.#tree.size;
    if (found < size) {
      const last = this.#last ? `event ${this.#last.revision} of ${this.#last.stream}` : "nothing";
      const missing = size - found;
      const why = `the checkpoint was signed over ${size} events, and ${missing} of them ${missing === 1 ? "is" : "are"} missing: the log ends after ${found}, with ${last}`;
      return { ok: false, origin, size, why };
    }
    if (root.equals(this.#tree.root())) return { ok: true, origin, size };
    const why = `the first ${size} events are not those that the checkpoint was signed over, though their chains hold: they were written anew, reordered, or given other ids`;
    return { ok: false, origin, size, why };
  }
}
