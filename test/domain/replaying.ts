import type { FoldedEvent } from "../../projections/active-models.ts";
import { WhatIfReplay, WhatIfRule } from "../../src/domain/what-if.ts";
import type { PolicyData } from "../../src/events/events.ts";
import { type Asked, given, P } from "./given.ts";

export const UNTIL = "2026-02-01T00:00:00.000Z";

/** What another rule comes to over a log. */
export function replayed(rule: WhatIfRule, log: readonly FoldedEvent[], defaults: PolicyData = {}) {
  const replay = new WhatIfReplay(WhatIfRule.parse(rule), defaults);
  for (const event of log) replay.next(event);
  return replay.result(P, UNTIL);
}

/** Under another rule, what was deployed and what would have been, as "environment actual:alternative". */
export function drawn(rule: WhatIfRule, ...history: readonly Asked[]): readonly string[] {
  const { rows } = replayed(rule, given(...history).world.log);
  return rows.map(({ environment, actual, alternative }) => {
    const where = environment === "production" ? "" : `${environment} `;
    return `${where}${actual?.version ?? "-"}:${alternative?.version ?? "-"}`;
  });
}
