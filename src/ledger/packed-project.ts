import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { enter, lookUp, names } from "../../projections/dictionary.ts";
import { type Asleep, isWhole, type PagedList, pageCount } from "../../projections/paged-list.ts";
import type { Model, PastDeployment, ProjectState } from "../../projections/project.ts";
import { parseJson } from "../events/parse-json.ts";

/**
 * A project's state as a snapshot holds it: lines of packed JSON. The first is the state without the pages of its long
 * lists, the others are those pages, and a page is unpacked when somebody asks for an item of it. A project of 100,000
 * models is 5 MB of text instead of 32, and the first command on it reads three pages of 196.
 */

/** Raise it whenever the shape or the meaning of `ProjectState` changes: older snapshots are then passed over. */
const VERSION = 4;

/** Before the lines: what they are, and their CRC-32. A page is read long after, when it is too late to doubt it. */
const titleOf = (lines: string): string => `model-ledger project ${VERSION} ${crc32(Buffer.from(lines, "latin1"))}`;

/** Enough of it for text that repeats itself this much, at a fifth of the time that the best takes. */
const LEVEL = 1;

const pack = (value: unknown): string => deflateRawSync(JSON.stringify(value), { level: LEVEL }).toString("base64");

const unpack = (line: string): unknown => parseJson(inflateRawSync(Buffer.from(line, "base64")).toString());

/** The lines of whole pages, which never change, and of those asleep: the next snapshot packs only what is new. */
const known = new WeakMap<object, string>();

function lineOf(page: readonly unknown[] | Asleep<unknown>): string {
  const line = known.get(page) ?? pack(page);
  if (Array.isArray(page) && isWhole(page)) known.set(page, line);
  return line;
}

function asleep<Of>(line: string): Asleep<Of> {
  const page = {
    wake() {
      const awake = unpack(line) as Of[];
      if (isWhole(awake)) known.set(awake, line);
      return awake;
    },
  };
  known.set(page, line);
  return page;
}

export function packed(state: ProjectState): string {
  const pages: string[] = [];
  const head = withLists(state, (list) => {
    pages.push(...Array.from({ length: pageCount(list.length) }, (_, number) => lineOf(list.pages[number] ?? [])));
    return { length: list.length, pages: [] };
  });
  const lines = [pack(head), ...pages].join("\n");
  return `${titleOf(lines)}\n${lines}`;
}

/** Undefined for anything but what {@link packed} of this version gave. */
export function unpacked(text: string): ProjectState | undefined {
  const end = text.indexOf("\n");
  const lines = text.slice(end + 1);
  if (text.slice(0, Math.max(0, end)) !== titleOf(lines)) return undefined;
  const [head = "", ...pages] = lines.split("\n");
  return withLists(unpack(head) as ProjectState, ({ length }) => ({
    length,
    pages: pages.splice(0, pageCount(length)).map((line) => asleep(line)),
  }));
}

/** The state with its long lists as `change` gives them. */
function withLists(
  state: ProjectState,
  change: <Of extends Model | PastDeployment>(list: PagedList<Of>) => PagedList<Of>,
): ProjectState {
  const models = change(state.models);
  const environments: ProjectState["environments"] = {};
  for (const name of names(state.environments)) {
    const environment = lookUp(state.environments, name);
    if (environment) enter(environments, name, { ...environment, deployed: change(environment.deployed) });
  }
  return { ...state, models, environments };
}
