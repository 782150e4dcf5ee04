/**
 * A whole string of a JSON text, and the colon after it if it is a name. Only for what is known to be JSON, read from its
 * beginning: where a string has no end, each quote of it would be tried, to the end of the text.
 */
const STRING = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/gs;
/** The same of a string with an escape, from the first one on. */
const ESCAPED = /\\.[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/gs;

/**
 * JSON.parse without a bug of V8 12.8 and later (Node 24 and 26, github.com/nodejs/node/issues/63785): once an object
 * with a name like "\\" was read, it takes another name that is written with an escape for that one, "\"" for example.
 * Names without an escape, which is to say nearly all texts, are read as ever. Takes time in proportion to the length of the
 * text, whatever it holds.
 * @throws {SyntaxError} as JSON.parse does.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return hasEscapedName(text) ? parsedByPlaces(text) : value;
}

function hasEscapedName(text: string): boolean {
  if (!text.includes("\\")) return false;
  for (const [, colon] of text.matchAll(ESCAPED)) if (colon !== undefined) return true;
  return false;
}

const PLACE = "~";

/**
 * Names with an escape are read as elements of an array, which are not mistaken; in the text a number after "~" holds the
 * place of each. So it does for names that begin with "~" themselves: whatever begins so is a place then.
 */
function parsedByPlaces(text: string): unknown {
  const places = new Map<string, number>();
  const plain = text.replace(STRING, (whole, string: string, colon: string | undefined) => {
    if (colon === undefined || !(string.includes("\\") || string.startsWith(PLACE, 1))) return whole;
    const place = places.get(string) ?? places.size;
    places.set(string, place);
    return `"${PLACE}${place}"${colon}`;
  });
  return named(JSON.parse(plain), JSON.parse(`[${[...places.keys()].join()}]`) as string[]);
}

/**
 * As {@link parseJson}, but of I-JSON (RFC 7493) alone, which canonical JSON is made of: where an object says a name twice
 * one reader takes the first value and another the last, and a hash of what was parsed would not show it.
 * @throws {SyntaxError} for that too.
 */
export function parseIJson(text: string): unknown {
  const value = parseJson(text);
  let names = 0;
  for (const [, , colon] of text.matchAll(STRING)) if (colon !== undefined) names += 1;
  if (names !== namesIn(value)) throw new SyntaxError("an object says a name twice");
  return value;
}

// The two below go level by level, as a text may nest deeper than calls can.

function namesIn(value: unknown): number {
  let names = 0;
  const found = [value];
  for (const one of found) {
    if (typeof one !== "object" || one === null) continue;
    const inner: unknown[] = Object.values(one);
    if (!Array.isArray(one)) names += inner.length;
    for (const each of inner) found.push(each);
  }
  return names;
}

/** `value` with names in place of their places; its arrays are used again. */
function named(value: unknown, names: readonly string[]): unknown {
  const whole = { value };
  const holders: Record<string, unknown>[] = [whole];
  for (const holder of holders) {
    for (const [key, inner] of Array.isArray(holder) ? holder.entries() : Object.entries(holder)) {
      if (typeof inner !== "object" || inner === null) continue;
      const own = (Array.isArray(inner) ? inner : withNames(inner, names)) as Record<string, unknown>;
      holder[key] = own;
      holders.push(own);
    }
  }
  return whole.value;
}

const withNames = (object: object, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).map(([name, inner]) => [nameAt(name, names), inner]));

const nameAt = (name: string, names: readonly string[]): string =>
  name.startsWith(PLACE) ? (names[Number(name.slice(PLACE.length))] ?? name) : name;
