import { type Logger, pino, stdTimeFunctions } from "pino";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;
/** Nothing of ours logs them; should something ever do, they do not come out. */
const SECRETS = ["authorization", "token", "secret", "password", "key"];

/** One line of JSON an event, on stderr: stdout is for what a program reads. */
export function serviceLog(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[redacted]" },
    },
    // Written by another thread, many lines at once where many come; what is still waiting is written at the end.
    pino.destination({ fd: STDERR, sync: false }),
  );
}
