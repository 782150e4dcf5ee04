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

export interface ActiveAnswer {
  readonly text: string;
  /** The first revision of the project known to give this text, and the last. */
  readonly since: bigint;
  readonly revision: bigint;
}

interface KeptAnswer extends ActiveAnswer {
  revision: bigint;
  /** The ledger's change count before it was asked: while that stays, so does the answer. */
  seen: number;
}

/**
 * The answers to "what is active", as text. Their ETag is the project's revision, so that it can go back as If-Match;
 * a revision that gave the same text, byte for byte, is as good a match as the current one.
 */
export class ActiveAnswers {
  readonly #answers = new LRUCache<string, KeptAnswer>({ max: MAX_ANSWERS });

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
    return at === undefined ? this.#keep(model, revision, seen) : { text: jsonOf(model), since: revision, revision };
  }

  #keep(model: ActiveModel, revision: bigint, seen: number): ActiveAnswer {
    const key = keyOf(model.project, model.environment);
    const known = this.#answers.get(key);
    const text = known?.revision === revision ? known.text : jsonOf(model);
    if (known?.text === text && known.revision <= revision) {
      known.revision = revision;
      known.seen = seen;
      return known;
    }
    const answer = { text, since: revision, revision, seen };
    if (known === undefined || known.revision < revision) this.#answers.set(key, answer);
    return answer;
  }
}

const keyOf = (project: string, environment: string): string => `${environment} ${project}`;

/** The tag among those of `If-None-Match` that still holds. */
export function matchingTag(ifNoneMatch: string | undefined, { since, revision }: ActiveAnswer): string | undefined {
  if (ifNoneMatch === undefined) return undefined;
  if (ifNoneMatch.trim() === "*") return `"${revision}"`;
  for (const [, tag = ""] of ifNoneMatch.matchAll(/(?:W\/)?"(\d{1,19})"/g)) {
    const known = BigInt(tag);
    if (since <= known && known <= revision) return `"${known}"`;
  }
  return undefined;
}
