/** What explanations are put together from: counts, times and durations as people say them, in English. */

/** "1 model", "2 models" */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

/** A duration in the largest unit that fits, "3 hours". */
export function inWords(milliseconds: number): string {
  for (const [unit, length] of UNITS) {
    const count = Math.floor(milliseconds / length);
    if (count >= 1) return counted(count, unit);
  }
  return "less than a second";
}

/** A duration in the two largest units that fit, "3 hours and 20 minutes". */
export function inWordsExactly(milliseconds: number): string {
  const index = UNITS.findIndex(([, length]) => milliseconds >= length);
  const [unit, next] = [UNITS[index], UNITS[index + 1]];
  if (unit === undefined) return "less than a second";
  const rest = next === undefined ? 0 : Math.floor((milliseconds % unit[1]) / next[1]);
  const whole = counted(Math.floor(milliseconds / unit[1]), unit[0]);
  return next === undefined || rest === 0 ? whole : `${whole} and ${counted(rest, next[0])}`;
}

const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });

/** "24 November 2026 at 11:25:24 UTC" */
export function dateInWords(time: string): string {
  return `${DAY.format(new Date(time))} at ${time.slice(11, 19)} UTC`;
}

/** "a", "a and b", "a, b and c" */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? "") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}
