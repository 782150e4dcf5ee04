import { isBetter, type KeyMetric } from "../../projections/scores.ts";

/** How two histories of one environment compare over time. */
export interface TimesInEnvironment {
  readonly environment: string;
  /** From the first deployment in either history on, in milliseconds. */
  readonly totalMs: number;
  /** For how long another model, or one where there was none, would have served. */
  readonly differsMs: number;
  /** For how long of that both models have a score. */
  readonly comparedMs: number;
  /** The score that would have been less the one that was, integrated over that time: score × hours. */
  readonly scoreHours: number;
  /** The same on average over that time; null where nothing could be compared. */
  readonly meanDifference: number | null;
  /** Whether that difference is for the better, by the goal of the metric; null where there is none. */
  readonly isBetter: boolean | null;
}

interface Pair {
  readonly actual: number | undefined;
  readonly alternative: number | undefined;
  ms: number;
}

interface Course {
  since: number;
  now: { readonly actual: number | undefined; readonly alternative: number | undefined };
  /** By "actual/alternative". */
  readonly pairs: Map<string, Pair>;
}

const MS_AN_HOUR = 3_600_000;

/** For how long which two models served beside each other, in what was and what would have been. */
export class ServingTimes {
  readonly #courses = new Map<string, Course>();

  /** From `time` on other models serve; undefined: what served before goes on. Times never go back. */
  change(
    environment: string,
    time: string,
    to: { readonly actual: number | undefined; readonly alternative: number | undefined },
  ): void {
    const at = Date.parse(time);
    const course = this.#courses.get(environment) ?? {
      since: at,
      now: { actual: undefined, alternative: undefined },
      pairs: new Map(),
    };
    this.#courses.set(environment, course);
    spend(course, at);
    course.now = { actual: to.actual ?? course.now.actual, alternative: to.alternative ?? course.now.alternative };
  }

  /** By the name of the environment. */
  until(end: string, key: KeyMetric, scoreOf: (version: number) => number | null): TimesInEnvironment[] {
    const courses = [...this.#courses].sort(([a], [b]) => (a < b ? -1 : 1));
    return courses.map(([environment, course]) => {
      spend(course, Date.parse(end));
      return { environment, ...summary([...course.pairs.values()], key, scoreOf) };
    });
  }
}

function spend(course: Course, at: number): void {
  const ms = Math.max(0, at - course.since);
  course.since = Math.max(course.since, at);
  const { actual, alternative } = course.now;
  if (actual === undefined && alternative === undefined) return;
  const name = `${actual}/${alternative}`;
  const pair = course.pairs.get(name);
  if (pair) pair.ms += ms;
  else course.pairs.set(name, { actual, alternative, ms });
}

function summary(pairs: readonly Pair[], { goal }: KeyMetric, scoreOf: (version: number) => number | null) {
  let [totalMs, differsMs, comparedMs, scoreMs] = [0, 0, 0, 0];
  for (const { actual, alternative, ms } of pairs) {
    totalMs += ms;
    if (actual === alternative) continue;
    differsMs += ms;
    const was = actual === undefined ? null : scoreOf(actual);
    const would = alternative === undefined ? null : scoreOf(alternative);
    if (was === null || would === null) continue;
    comparedMs += ms;
    scoreMs += (would - was) * ms;
  }
  const meanDifference = comparedMs === 0 ? null : scoreMs / comparedMs;
  return {
    totalMs,
    differsMs,
    comparedMs,
    scoreHours: scoreMs / MS_AN_HOUR,
    meanDifference,
    isBetter: meanDifference === null || meanDifference === 0 ? null : isBetter(goal, meanDifference, 0),
  };
}
