import type { Ledger } from "../../src/index.ts";

/** A question about a moment that is over, and what was answered first: whoever asks it again must hear the same. */
export interface Settled {
  readonly what: string;
  readonly ask: (ledger: Ledger) => Promise<unknown>;
  readonly told: string;
}

/** So many are remembered. */
const MAX_REMEMBERED = 40;

/** Any answer as text, to compare two. */
export const answerText = (answer: unknown): string =>
  JSON.stringify(answer, (_, value) => (typeof value === "bigint" ? String(value) : value)) ?? "nothing";

/** Answers to hold later ones against. */
export class Memory {
  readonly all: Settled[] = [];
  #next = 0;

  /** The answer; when the moment that it is about is over, it is remembered. */
  async asked<Answer>(
    what: string,
    isOver: boolean,
    ledger: Ledger,
    ask: (ledger: Ledger) => Promise<Answer>,
  ): Promise<Answer> {
    const answer = await ask(ledger);
    if (isOver) this.#remember({ what, ask, told: answerText(answer) });
    return answer;
  }

  /** The newest take the place of the oldest, but for the first half: those are asked again until the end. */
  #remember(settled: Settled): void {
    if (this.all.length < MAX_REMEMBERED) {
      this.all.push(settled);
      return;
    }
    this.all[MAX_REMEMBERED / 2 + (this.#next++ % (MAX_REMEMBERED / 2))] = settled;
  }
}
