/**
 * A JSON object keyed by names that people choose. Every key carries a prefix, so that an algorithm called
 * "__proto__" or "constructor" is a name like any other, on every engine.
 */
export interface Dictionary<Value> {
  [key: `=${string}`]: Value;
}

export function lookUp<Value>(dictionary: Dictionary<Value>, name: string): Value | undefined {
  return dictionary[`=${name}`];
}

export function enter<Value>(dictionary: Dictionary<Value>, name: string, value: Value): void {
  dictionary[`=${name}`] = value;
}

export function names(dictionary: Dictionary<unknown>): string[] {
  return Object.keys(dictionary).map((key) => key.slice(1));
}
