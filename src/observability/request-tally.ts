import type { Metric, Registry } from "prom-client";

interface Described {
  readonly name: string;
  readonly help: string;
}

interface Options {
  readonly requests: Described;
  readonly seconds: Described;
  /** The upper bounds of the buckets, in seconds, ascending. */
  readonly bounds: readonly number[];
}

interface Series {
  readonly labels: { readonly method: string; readonly route: string };
  readonly statuses: Map<number, number>;
  /** How many took at most the bound at the same place and more than the one before; the last: more than all. */
  readonly buckets: number[];
  seconds: number;
}

interface Value {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * Requests by method, route and status, and a histogram of how long they took. They are counted in plain numbers, of
 * which metrics are made when those are read: prom-client's own take as long for each request as a small answer does.
 */
export class RequestTally {
  readonly #bounds: readonly number[];
  /** By route, then by method: all strings that live as long as the service, so that nothing is made to find one. */
  readonly #routes = new Map<string, Map<string, Series>>();

  constructor(registry: Registry, { requests, seconds, bounds }: Options) {
    this.#bounds = bounds;
    registry.registerMetric(readBy(requests, "counter", () => this.#all(countsOf)));
    registry.registerMetric(readBy(seconds, "histogram", () => this.#all((one) => this.#timesOf(one, seconds.name))));
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    const series = this.#series(method, route);
    series.statuses.set(status, (series.statuses.get(status) ?? 0) + 1);
    series.seconds += seconds;
    let place = 0;
    while (seconds > (this.#bounds[place] ?? Number.POSITIVE_INFINITY)) place += 1;
    series.buckets[place] = (series.buckets[place] ?? 0) + 1;
  }

  #series(method: string, route: string): Series {
    const known = this.#routes.get(route)?.get(method);
    if (known) return known;
    const series = {
      labels: { method, route },
      statuses: new Map(),
      buckets: [...this.#bounds, 0].fill(0),
      seconds: 0,
    };
    const methods = this.#routes.get(route) ?? new Map<string, Series>();
    this.#routes.set(route, methods.set(method, series));
    return series;
  }

  #all(valuesOf: (series: Series) => readonly Value[]): readonly Value[] {
    return [...this.#routes.values()].flatMap((methods) => [...methods.values()].flatMap(valuesOf));
  }

  #timesOf({ labels, buckets, seconds }: Series, name: string): readonly Value[] {
    let count = 0;
    const cumulative = buckets.map((inBucket, place) => {
      count += inBucket;
      return { metricName: `${name}_bucket`, labels: { le: this.#bounds[place] ?? "+Inf", ...labels }, value: count };
    });
    return [
      ...cumulative,
      { metricName: `${name}_sum`, labels, value: seconds },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}

const countsOf = ({ labels, statuses }: Series): readonly Value[] =>
  [...statuses].map(([status, value]) => ({ labels: { ...labels, status: String(status) }, value }));

/** What a registry asks of a metric whose values are elsewhere. */
function readBy(described: Described, type: "counter" | "histogram", read: () => readonly Value[]): Metric {
  const metric = { ...described, type, aggregator: "sum", get: async () => ({ ...metric, values: read() }) };
  return metric as unknown as Metric;
}
