/** The shape that events are written in. Every stored event says in which one it was. */
export const SCHEMA_VERSION = 1;

type Upcast = (data: object) => object;

/** By type, then by the schema version found: what makes it the next version. Empty while there has been only one. */
const UPCASTS: Readonly<Record<string, Readonly<Record<number, Upcast>>>> = {};

/**
 * An old event's data as it would be written today. Without imports: the folds in `projections/` take it along to the
 * EventStoreDB server, so that an old event is the same event there.
 */
export function upcast(type: string, data: object, version: number): object {
  let current = data;
  for (let from = version; from < SCHEMA_VERSION; from++) current = UPCASTS[type]?.[from]?.(current) ?? current;
  return current;
}
