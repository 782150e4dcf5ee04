import type { Project } from "./answers.ts";

/** The freeze that holds now; one whose time is over refuses nothing any more. */
export function freezeNow({ policy: { frozen } }: Project): Project["policy"]["frozen"] {
  return frozen?.until !== undefined && Date.parse(frozen.until) <= Date.now() ? null : frozen;
}
