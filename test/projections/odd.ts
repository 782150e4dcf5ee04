import type { FoldedEvent } from "../../projections/active-models.ts";

/** An event of a log that something else wrote to. */
export const odd = (revision: number, event: object, metadata: object = {}) =>
  ({
    metadata: {
      recordedAt: `2026-01-01T00:00:0${revision % 10}.000Z`,
      actor: "x",
      commandId: "c",
      hash: `h${revision}`,
      ...metadata,
    },
    revision,
    ...event,
  }) as FoldedEvent;
