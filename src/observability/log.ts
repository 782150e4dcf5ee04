import { type Logger, pino } from "pino";
import { LineWriter } from "./line-writer.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Nothing of ours logs them; should something ever do, they do not come out. */
const SECRETS = ["authorization", "token", "secret", "password", "key"];

/** One line of JSON an event, on stderr: stdout is for what a program reads. */
export function serviceLog(level: LogLevel): Logger {
  const lines = new LineWriter((lost) => log.warn({ lost }, "the log could not be written: lines are missing here"));
  const log = pino(
    {
      level,
      base: null,
      timestamp: isoTime(),
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[redacted]" },
    },
    lines,
  );
  return log;
}

/** The time as pino writes it into a line, made once a millisecond. */
function isoTime(): () => string {
  let [madeAt, text] = [Number.NaN, ""];
  return () => {
    const now = Date.now();
    if (now !== madeAt) [madeAt, text] = [now, `,"time":"${new Date(now).toISOString()}"`];
    return text;
  };
}
