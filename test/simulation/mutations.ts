import { ANSWERING } from "./planted/answering.ts";
import { FOLLOWING } from "./planted/following.ts";
import { RULES } from "./planted/rules.ts";
import { WRITING } from "./planted/writing.ts";

/** A bug planted in a copy of the sources: each `find` stands there exactly once. */
export interface Mutation {
  readonly bug: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** What the simulation must find, one at a time. */
export const MUTATIONS: readonly Mutation[] = [...WRITING, ...ANSWERING, ...FOLLOWING, ...RULES];
