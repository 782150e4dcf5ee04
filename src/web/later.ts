import type { Project } from "./answers.ts";

/** Answers overtake one another: what is known of a project stays where the answer is older. */
export function later(known: Project | undefined, answer: Project): Project {
  return known !== undefined && BigInt(known.revision) > BigInt(answer.revision) ? known : answer;
}
