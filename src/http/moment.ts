import type { ActiveModelOptions } from "../api/ledger.ts";
import { Moment } from "../domain/commands.ts";

/** `at=`: what looks like a time is one, a whole number is a revision, anything else a position. */
export function momentOf(at: string): NonNullable<ActiveModelOptions["at"]> {
  const [, kind, rest = ""] = /^(revision|position):(.*)$/.exec(at) ?? [];
  if (kind === "position") return { position: rest };
  if (kind === "revision") return { revision: rest };
  if (/^\d{1,15}$/.test(at)) return { revision: Number(at) };
  return Moment.safeParse(at).success || !/^[0-9A-Za-z_-]+$/.test(at) ? at : { position: at };
}
