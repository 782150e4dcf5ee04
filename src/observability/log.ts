import { type DestinationStream, type Logger, pino } from "pino";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;
/** Lines are written once so much has come together, or after the longest wait. */
const BATCH_LENGTH = 16_000;
const LONGEST_WAIT_MS = 100;
/** Nothing of ours logs them; should something ever do, they do not come out. */
const SECRETS = ["authorization", "token", "secret", "password", "key"];

/** One line of JSON an event, on stderr: stdout is for what a program reads. */
export function serviceLog(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: isoTime(),
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[redacted]" },
    },
    inBatches(pino.destination({ fd: STDERR, sync: false })),
  );
}

/**
 * Written beside the work, many lines at once where many come; what still waits is written when the process ends. The
 * stream could wait by itself, but it measures all that waits anew with each line.
 */
function inBatches(stream: DestinationStream & { flushSync(): void }): DestinationStream {
  let lines: string[] = [];
  let length = 0;
  function handOn(): void {
    if (length === 0) return;
    const batch = lines.join("");
    [lines, length] = [[], 0];
    stream.write(batch);
  }
  process.once("exit", () => {
    try {
      handOn();
      stream.flushSync();
    } catch {
      // Nobody reads it any more: no reason to end otherwise than we would have.
    }
  });
  return {
    write(line) {
      if (length === 0) setTimeout(handOn, LONGEST_WAIT_MS).unref();
      lines.push(line);
      length += line.length;
      if (length >= BATCH_LENGTH) handOn();
    },
  };
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
