/** A whole string of a JSON text, and the colon after it if it is a name. */
const STRING = /("(?:[^"\\]|\\.)*")(\s*:)?/gs;
/** The same of a string with an escape, from the first one on. */
const ESCAPED = /\\.(?:[^"\\]|\\.)*"(\s*:)?/gs;

/**
 * JSON.parse without a bug of V8 12.8 and later (Node 24 and 26, github.com/nodejs/node/issues/63785): once an object
 * with a name like "\\" was read, it takes another name that is written with an escape for that one, "\"" for example.
 * Names without an escape, which is to say nearly all texts, are read as ever.
 * @throws {SyntaxError} as JSON.parse does.
 */
export function parseJson(text: string): unknown {
  if (!hasEscapedName(text)) return JSON.parse(text);
  // Such names are read as elements of an array, which are not mistaken; their places are held by names without escapes.
  let place = "~";
  while (text.includes(place)) place += "~";
  const names: string[] = [];
  const plain = text.replace(STRING, (whole, string: string, colon: string | undefined) => {
    if (colon === undefined || !string.includes("\\")) return whole;
    const [name = ""] = JSON.parse(`[${string}]`) as [string];
    names.push(name);
    return `"${place}${names.length - 1}"${colon}`;
  });
  return named(JSON.parse(plain), (name) => originalOf(name, place, names));
}

function hasEscapedName(text: string): boolean {
  if (!text.includes("\\")) return false;
  for (const [, colon] of text.matchAll(ESCAPED)) if (colon !== undefined) return true;
  return false;
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

function namesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value);
  return inner.reduce<number>((sum, one) => sum + namesIn(one), Array.isArray(value) ? 0 : inner.length);
}

function originalOf(name: string, place: string, names: readonly string[]): string {
  return name.startsWith(place) ? (names[Number(name.slice(place.length))] ?? name) : name;
}

function named(value: unknown, nameOf: (name: string) => string): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((inner) => named(inner, nameOf));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [nameOf(name), named(inner, nameOf)]));
}
