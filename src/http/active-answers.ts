import { LRUCache } from "lru-cache";
import type { z } from "zod";
import type { ServedLedger } from "../api/served-ledger.ts";
import { LedgerError } from "../errors.ts";
import type { ActiveModel } from "../ledger/active-model.ts";
import { projectNotFound } from "../ledger/queries.ts";
import { jsonOf } from "./json.ts";
import { momentOf } from "./moment.ts";
import { type ActiveQuery, reading } from "./schemas.ts";

const MAX_ANSWERS = 10_000;
/** Of all texts together, as JavaScript counts characters. */
const MAX_CHARACTERS = 32 * 2 ** 20;
/** So many revisions are known to have given a text: those of whoever asks again and again. */
const MAX_REVISIONS = 16;

export interface ActiveAnswer {
  readonly text: string;
  /** The revision of the project that it was asked at. */
  readonly revision: bigint;
  /** The revisions known to give this text. Between two of them another one may have been the answer. */
  readonly revisions: readonly bigint[];
}

interface KeptAnswer extends ActiveAnswer {
  revision: bigint;
  revisions: readonly bigint[];
  /** The ledger's change count before it was asked: while that stays, so does the answer. */
  seen: number;
}

/**
 * The answers to "what is active", as text. Their ETag is the project's revision, so that it can go back as If-Match;
 * a revision that gave the same text, byte for byte, is as good a match as the current one.
 */
export class ActiveAnswers {
  readonly #answers = new LRUCache<string, KeptAnswer>({
    max: MAX_ANSWERS,
    maxSize: MAX_CHARACTERS,
    sizeCalculation: ({ text }) => text.length,
  });

  /**
   * At once where it is known.
   * @throws {LedgerError} PROJECT_NOT_FOUND, NO_ACTIVE_MODEL, and what the ledger throws.
   */
  to(
    ledger: ServedLedger,
    project: string,
    query: z.output<typeof ActiveQuery>,
    asOf: number,
  ): ActiveAnswer | Promise<ActiveAnswer> {
    const { environment, at, by, min_position } = query;
    if (at === undefined && by === "recordedAt" && min_position === undefined) {
      const known = this.#answers.get(keyOf(project, environment));
      if (known?.seen === asOf) return known;
    }
    return this.#asked(ledger, project, query, asOf);
  }

  async #asked(ledger: ServedLedger, project: string, query: z.output<typeof ActiveQuery>, seen: number) {
    const { environment, at, by } = query;
    const moment = at === undefined ? {} : { at: momentOf(at) };
    const options = { environment, by, ...moment, ...reading(query) };
    const { model, revision } = await ledger.activeAtRevision(project, options);
    if (revision === undefined) throw projectNotFound(project);
    if (model === undefined) {
      const verb = at === undefined ? "is" : "was";
      throw new LedgerError("NO_ACTIVE_MODEL", `nothing ${verb} active in ${environment} of "${project}"`, {
        project,
        environment,
      });
    }
    return at === undefined
      ? this.#keep(model, revision, seen)
      : { text: jsonOf(model), revision, revisions: [revision] };
  }

  #keep(model: ActiveModel, revision: bigint, seen: number): ActiveAnswer {
    const key = keyOf(model.project, model.environment);
    const known = this.#answers.get(key);
    const text = known?.revision === revision ? known.text : jsonOf(model);
    if (known?.text === text && known.revision <= revision) {
      if (known.revision < revision) known.revisions = [...known.revisions, revision].slice(-MAX_REVISIONS);
      known.revision = revision;
      known.seen = seen;
      return known;
    }
    const answer = { text, revision, revisions: [revision], seen };
    if (known === undefined || known.revision < revision) this.#answers.set(key, answer);
    return answer;
  }
}

const keyOf = (project: string, environment: string): string => `${environment} ${project}`;

/** The tag among those of `If-None-Match` that still holds. */
export function matchingTag(
  ifNoneMatch: string | undefined,
  { revision, revisions }: ActiveAnswer,
): string | undefined {
  if (ifNoneMatch === undefined) return undefined;
  if (ifNoneMatch.trim() === "*") return `"${revision}"`;
  for (const [, tag = ""] of ifNoneMatch.matchAll(/(?:W\/)?"(\d{1,19})"/g)) {
    const known = BigInt(tag);
    if (revisions.includes(known)) return `"${known}"`;
  }
  return undefined;
}
