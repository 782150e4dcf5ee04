/** A text, the place in it that comes next, and how many lists and objects are open there. */
interface Scan {
  readonly text: string;
  at: number;
  depth: number;
}

/** Deeper than anything that is recorded; what is deeper still is left to the parser. */
const MAX_DEPTH = 100;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const NINE = 0x39;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;

/**
 * Whether `text` surely is the canonical JSON (RFC 8785) of an object, told by one look at each character and without
 * making the object: a log holds what was written canonically, and to parse, sort and write each event anew took most
 * of the time of its verification. False means "not sure" (an escape, a surrogate, another order, no JSON at all): the
 * caller then parses and writes it anew.
 */
export function isSurelyCanonical(text: string): boolean {
  const scan: Scan = { text, at: 0, depth: 0 };
  return text.charCodeAt(0) === OPEN_OBJECT && skipObject(scan) && scan.at === text.length;
}

function skipValue(scan: Scan): boolean {
  const code = scan.text.charCodeAt(scan.at);
  if (code === QUOTE) return skipString(scan);
  if (code === OPEN_OBJECT || code === OPEN_LIST) {
    scan.depth += 1;
    const isSure = scan.depth < MAX_DEPTH && (code === OPEN_OBJECT ? skipObject(scan) : skipList(scan));
    scan.depth -= 1;
    return isSure;
  }
  if (code === MINUS || (code >= ZERO && code <= NINE)) return skipNumber(scan);
  return skipWord(scan, "true") || skipWord(scan, "false") || skipWord(scan, "null");
}

function skipObject(scan: Scan): boolean {
  const { text } = scan;
  scan.at += 1;
  if (text.charCodeAt(scan.at) === CLOSE_OBJECT) return skipOne(scan);
  let before: string | undefined;
  for (;;) {
    const from = scan.at + 1;
    if (text.charCodeAt(scan.at) !== QUOTE || !skipString(scan)) return false;
    // Names in the order of their UTF-16 units, which is how JavaScript compares strings; none of them twice.
    const name = text.slice(from, scan.at - 1);
    if (before !== undefined && name <= before) return false;
    before = name;
    if (text.charCodeAt(scan.at) !== COLON) return false;
    scan.at += 1;
    if (!skipValue(scan)) return false;
    const code = text.charCodeAt(scan.at);
    scan.at += 1;
    if (code === CLOSE_OBJECT) return true;
    if (code !== COMMA) return false;
  }
}

function skipList(scan: Scan): boolean {
  const { text } = scan;
  scan.at += 1;
  if (text.charCodeAt(scan.at) === CLOSE_LIST) return skipOne(scan);
  for (;;) {
    if (!skipValue(scan)) return false;
    const code = text.charCodeAt(scan.at);
    scan.at += 1;
    if (code === CLOSE_LIST) return true;
    if (code !== COMMA) return false;
  }
}

/** A string without escapes; of those, few events have any. */
function skipString(scan: Scan): boolean {
  const { text } = scan;
  for (let at = scan.at + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      scan.at = at + 1;
      return true;
    }
    if (code < 0x20 || code === BACKSLASH || (code >= FIRST_SURROGATE && code <= LAST_SURROGATE)) return false;
  }
  return false;
}

/** Canonical is what JavaScript itself writes of a number. */
function skipNumber(scan: Scan): boolean {
  const { text } = scan;
  const from = scan.at;
  let at = from + 1;
  for (let code = text.charCodeAt(at); isInNumber(code); code = text.charCodeAt(at)) at += 1;
  scan.at = at;
  const number = text.slice(from, at);
  return String(Number(number)) === number;
}

/** Digits and "+-.e". */
function isInNumber(code: number): boolean {
  return (code >= ZERO && code <= NINE) || code === 0x2e || code === 0x65 || code === 0x2b || code === MINUS;
}

function skipWord(scan: Scan, word: string): boolean {
  if (!scan.text.startsWith(word, scan.at)) return false;
  scan.at += word.length;
  return true;
}

function skipOne(scan: Scan): true {
  scan.at += 1;
  return true;
}
