import { LRUCache } from "lru-cache";
import type { ActiveModel } from "../ledger/active-model.ts";
import { jsonOf } from "./json.ts";

const MAX_ANSWERS = 10_000;

interface Answer {
  readonly text: string;
  /** The first revision of the project known to give this text, and the last. */
  readonly since: bigint;
  revision: bigint;
}

/**
 * The answers to "what is active", as text. Their ETag is the project's revision, so that it can go back as If-Match;
 * a revision that gave the same text, byte for byte, is as good a match as the current one.
 */
export class ActiveAnswers {
  readonly #answers = new LRUCache<string, Answer>({ max: MAX_ANSWERS });

  answer(model: ActiveModel, revision: bigint): Readonly<Answer> {
    const key = `${model.environment} ${model.project}`;
    const known = this.#answers.get(key);
    if (known?.revision === revision) return known;
    const text = jsonOf(model);
    if (known?.text === text && known.revision < revision) {
      known.revision = revision;
      return known;
    }
    const answer = { text, since: revision, revision };
    if (known === undefined || known.revision < revision) this.#answers.set(key, answer);
    return answer;
  }
}

/** The tag among those of `If-None-Match` that still holds. */
export function matchingTag(ifNoneMatch: string | undefined, answer: Pick<Answer, "since" | "revision">) {
  if (ifNoneMatch === undefined) return undefined;
  if (ifNoneMatch.trim() === "*") return `"${answer.revision}"`;
  for (const [, revision = ""] of ifNoneMatch.matchAll(/(?:W\/)?"(\d{1,19})"/g)) {
    const known = BigInt(revision);
    if (answer.since <= known && known <= answer.revision) return `"${known}"`;
  }
  return undefined;
}
