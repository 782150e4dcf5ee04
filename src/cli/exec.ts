import { type ChildProcess, spawn } from "node:child_process";
import type { RecordedEvent } from "../index.ts";
import { toJson } from "./output.ts";

/** A command that is asked to end has so long. */
const GRACE_MS = 5_000;
/** The kernel takes no longer variable than 128 KiB; whoever needs all of it reads the JSON. */
const MAX_VALUE_LENGTH = 8_192;

/** What a script needs most, without a JSON parser; a variable that does not apply is not set. */
function variablesOf(event: RecordedEvent, attempt: number): Record<string, string> {
  const { data, metadata } = event;
  const facts: Readonly<Record<string, unknown>> = data;
  const variables = {
    EVENT_ID: event.id,
    EVENT_TYPE: event.type,
    POSITION: event.position,
    REVISION: event.revision,
    RECORDED_AT: event.recordedAt,
    ACTOR: metadata.actor,
    REASON: metadata.reason,
    ATTEMPT: attempt,
    PROJECT: facts.project,
    ENVIRONMENT: facts.environment,
    NUMBER: facts.number,
    DEPLOYMENT_ID: facts.deploymentId,
    MODEL_ID: facts.modelId,
    VERSION: facts.version,
    ALGORITHM: facts.algorithm,
    STRATEGY: facts.strategy,
  };
  const set = Object.entries(variables).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set.map(([name, value]) => [`MODEL_LEDGER_${name}`, inAVariable(String(value))]));
}

const inAVariable = (text: string): string => text.replaceAll("\0", "").slice(0, MAX_VALUE_LENGTH);

/** A shell and all that it started. */
function signalGroup({ pid }: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {} // it ended just now
}

/**
 * Runs the command in a shell, with the event as JSON on its stdin. Nothing of the event becomes part of the command.
 * @throws {Error} that says how it ended, unless that was with status 0.
 */
export function runForEvent(
  command: string,
  event: RecordedEvent,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, {
      shell: true,
      detached: true, // a group of its own: Ctrl-C reaches it through us, and with it all that it started
      stdio: ["pipe", "inherit", "inherit"],
      env: { ...process.env, ...variablesOf(event, attempt) },
    });
    let killing: NodeJS.Timeout | undefined;
    function end(): void {
      signalGroup(child, "SIGTERM");
      killing = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_MS);
    }
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    function settle(how: () => void): void {
      clearTimeout(killing);
      signal.removeEventListener("abort", end);
      how();
    }
    child.on("error", (error) => settle(() => reject(error)));
    child.on("close", (status, killedBy) =>
      settle(() => {
        if (status === 0) resolve();
        else reject(new Error(`\`${command}\` ended with ${killedBy ?? `status ${status}`}`));
      }),
    );
    child.stdin.on("error", () => undefined); // it need not read what it is given
    child.stdin.end(`${toJson(event)}\n`);
  });
}
