import { LedgerError } from "../errors.ts";
import { EnvironmentName } from "../events/names.ts";
import type { Ledger, Observation, RecordedEvent, SubscribeOptions, SubscriptionOptions } from "../index.ts";
import { type CliCommand, given, type Options, type Session, wholeNumber } from "./command.ts";
import { runForEvent } from "./exec.ts";

/** One event in a line. */
function inALine({ type, data, metadata, position, recordedAt }: RecordedEvent): string {
  const where = "environment" in data ? ` in ${data.environment}` : "";
  const what = "version" in data ? ` version ${data.version}` : "";
  const reason = metadata.reason === undefined ? "" : `: ${metadata.reason}`;
  return `${position}  ${recordedAt}  ${type}  ${data.project}${what}${where}  by ${metadata.actor}${reason}`;
}

const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** What befell an event, for people. */
function story(observation: Observation): string | undefined {
  switch (observation.kind) {
    case "reading":
      return `reading ${observation.after === undefined ? "from the start" : `after ${observation.after}`}`;
    case "lost":
      return `another process reads under this name now, or the store is away: ${String(observation.error)}`;
    case "handled":
      return undefined;
    case "failed":
      return `${inALine(observation.event)}: attempt ${observation.attempt} failed: ${String(observation.error)}`;
    case "parked":
      return `${inALine(observation.event)}: parked after ${observation.attempts} attempts: ${observation.error}`;
  }
}

/** Each event to `act`; with a name, durably: it goes on where it stopped, and what fails is tried again. */
async function forEach(
  session: Session,
  ledger: Ledger,
  options: Options,
  act: (event: RecordedEvent, attempt: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const types = options.type === undefined ? {} : { types: options.type };
  const { signal } = session;
  if (options.name === undefined) {
    const environment = environmentIn(options);
    const query = { ...given(options, "project", "from"), ...types, signal } as SubscribeOptions;
    for await (const event of ledger.subscribe(query)) {
      if (!isOf(event, environment)) continue;
      await act(event, 1, signal).catch((error: unknown) => {
        if (!signal.aborted) session.out.aside(`${inALine(event)}: ${String(error)}`);
      });
    }
    return;
  }
  await ledger.subscriptions.run({
    ...given(options, "name", "project", "from", "environment", "maxAttempts"),
    ...types,
    signal,
    observe(observation) {
      const text = story(observation);
      if (text !== undefined) session.out.aside(text);
    },
    handle: (event, attempt) => act(event, attempt.number, attempt.signal),
  } as SubscriptionOptions);
}

/** A name that no environment can have would be waited for for ever. @throws {LedgerError} INVALID_INPUT */
function environmentIn({ environment }: Options): string | undefined {
  const { success, data, error } = EnvironmentName.optional().safeParse(environment);
  if (success) return data;
  throw new LedgerError("INVALID_INPUT", `--environment: ${error.issues.map(({ message }) => message).join("; ")}`);
}

const isOf = (event: RecordedEvent, environment: string | undefined): boolean =>
  environment === undefined || event.type !== "ModelDeployed" || event.data.environment === environment;

export const watch: CliCommand = {
  group: "Watch and check",
  signature: "watch [project]",
  summary: "print events as they are recorded, or run a command for each, until interrupted",
  examples: [
    'watch "Digits" --type ModelDeployed',
    "watch --from start --json",
    "watch --type ModelDeployed --environment production --exec ./reload.sh --name reload",
  ],
  configure: (command) =>
    command
      .option("--project <name>", "only this project, or with --name a pattern: 'Digits*'")
      .option("--type <event>", "only events of this type; repeat it for more", repeated)
      .option("--environment <name>", "of the deployments only those into this environment")
      .option("--from <start|end|position>", "after this place in the log", "end")
      .option(
        "--exec <command>",
        "run it for each event, one after another: JSON on its stdin, MODEL_LEDGER_… in its environment",
      )
      .option("--name <name>", "go on where this name stopped; what fails is tried again and then parked")
      .option("--max-attempts <count>", "with --name: park an event after so many failures (default: 8)", wholeNumber),
  async run(session, [project], options) {
    if (options.maxAttempts !== undefined && options.name === undefined) {
      throw new LedgerError("INVALID_INPUT", "--max-attempts goes with --name: without one nothing is tried again");
    }
    if (project !== undefined && options.project !== undefined) {
      throw new LedgerError("INVALID_INPUT", "name the project as the argument or with --project, not both");
    }
    for (const option of ["name", "exec"]) if (options[option] !== undefined) session.refuseDryRun(`--${option}`);
    const ledger = await session.forWriting();
    const { out } = session;
    const command = options.exec as string | undefined;
    await forEach(
      session,
      ledger,
      { ...(project !== undefined && { project }), ...options },
      async (event, ...attempt) => {
        if (command !== undefined) await runForEvent(command, event, ...attempt);
        else out.result(event, event.position, () => out.say(inALine(event)));
      },
    );
    return undefined;
  },
};
