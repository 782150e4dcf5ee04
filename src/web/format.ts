/** Numbers, times and durations as people read them, in the browser's language and time zone. */

const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const count = new Intl.NumberFormat();
const scoreDigits = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 5 });
const scoreExponent = new Intl.NumberFormat(undefined, { notation: "scientific", maximumSignificantDigits: 5 });

export const inNumbers = (n: number): string => count.format(n);
export const asTime = (iso: string | number): string => dayAndTime.format(new Date(iso));
export const asExactTime = (iso: string | number): string => exactly.format(new Date(iso));

/** "0.91235", and "1.7E308" where there would be many zeros. */
export function asScore(score: number | null | undefined): string {
  if (score == null) return "–";
  const size = Math.abs(score);
  const isPlain = size === 0 || (size >= 1e-6 && size < 1e12);
  return (isPlain ? scoreDigits : scoreExponent).format(score);
}

export const plural = (n: number, one: string, many = `${one}s`): string => `${inNumbers(n)} ${n === 1 ? one : many}`;

/** The task as people write it. */
export const asTask = (task: string | null): string => task?.replaceAll("_", " ") ?? "no training yet";

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** "3 hours ago". */
export function ago(iso: string, nowMs: number): string {
  const passedMs = nowMs - Date.parse(iso);
  for (const [unit, lengthMs] of UNITS) {
    if (passedMs >= lengthMs) return relative.format(-Math.floor(passedMs / lengthMs), unit);
  }
  return "just now";
}

/** What `<input type="datetime-local">` holds, in UTC; undefined where that is no time: Chromium's years have six digits. */
export function asUtc(local: string): string | undefined {
  const ms = /^\d{4}-/.test(local) ? Date.parse(local) : Number.NaN;
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

/** What `<input type="datetime-local">` shows for a time: local, to the second. */
export function asLocalInput(ms: number): string {
  const date = new Date(ms);
  const local = new Date(ms - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}
