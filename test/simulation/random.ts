/** A seeded generator (mulberry32) with the draws that the simulation needs. Each actor has one of its own. */
export class Random {
  #state: number;

  /** `name` sets generators of one seed apart, so that leaving one actor out does not change what the others do. */
  constructor(seed: number, name: string) {
    let state = seed >>> 0;
    for (let index = 0; index < name.length; index++) state = Math.imul(state ^ name.charCodeAt(index), 0x01000193);
    this.#state = state >>> 0;
    for (let round = 0; round < 4; round++) this.next();
  }

  /** 0 ≤ n < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Value>(values: readonly Value[]): Value {
    if (values.length === 0) throw new RangeError("there is nothing to pick from");
    return values[Math.floor(this.next() * values.length)] as Value;
  }

  /** Between the two, small values as likely as large ones in proportion. Both are more than 0. */
  logUniform(low: number, high: number): number {
    return low * (high / low) ** this.next();
  }

  /** Picks a name by its weight. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries<number>(weights);
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name as Name;
    }
    return entries[0]?.[0] as Name;
  }
}
