import { z } from "zod";
import { EVENT_TYPES, type RecordedEvent } from "../events/events.ts";
import { EnvironmentName, projectOf, streamOf, Text } from "../events/names.ts";
import type { StoredEvent } from "../store/event-store.ts";

const fields = {
  /** A project by name, or many by a pattern in which `*` stands for any characters: "Digits*". */
  project: Text.min(1, "must not be empty").max(400).optional(),
  types: z.array(z.enum(EVENT_TYPES)).min(1, "must name a type of event, or be left out for all").optional(),
  /** Deployments into this environment only. Events of other types belong to no environment and are not left out. */
  environment: EnvironmentName.optional(),
};

/** Which events a subscription is about; all of them where nothing is said. */
export const EventFilter = z.strictObject(fields);
export type EventFilter = Readonly<z.infer<typeof EventFilter>>;
export const EVENT_FILTER_FIELDS = fields;

/** `*` stands for any characters, none among them; a regular expression could be made to take for ever. */
export function matchesPattern(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** The one stream that can hold such events, if there is one. */
export const onlyStream = ({ project }: EventFilter): string | undefined =>
  project === undefined || project.includes("*") ? undefined : streamOf(project.normalize("NFC").trim());

/** Tells by the stream and the type, which cost nothing to know. */
export function mayMatch(filter: EventFilter): (event: Pick<StoredEvent, "stream" | "type">) => boolean {
  const pattern = filter.project?.normalize("NFC").trim();
  const types: readonly string[] | undefined = filter.types;
  return ({ stream, type }) =>
    (pattern === undefined || matchesPattern(pattern, projectOf(stream))) && (types?.includes(type) ?? true);
}

export const isOfEnvironment = ({ environment }: EventFilter, event: RecordedEvent): boolean =>
  environment === undefined || event.type !== "ModelDeployed" || event.data.environment === environment;
