import type { RecordedEvent, SubscribeOptions, VerifyOptions } from "../index.ts";
import { type CliCommand, given } from "./command.ts";
import { EXIT } from "./exit-codes.ts";

/** One event in a line. */
function inALine({ type, data, metadata, position, recordedAt }: RecordedEvent): string {
  const where = "environment" in data ? ` in ${data.environment}` : "";
  const what = "version" in data ? ` version ${data.version}` : "";
  const reason = metadata.reason === undefined ? "" : `: ${metadata.reason}`;
  return `${position}  ${recordedAt}  ${type}  ${data.project}${what}${where}  by ${metadata.actor}${reason}`;
}

export const watch: CliCommand = {
  group: "Watch and check",
  signature: "watch",
  summary: "print events as they are recorded, until interrupted",
  examples: ['watch --project "Digits" --type ModelDeployed', "watch --from start --json"],
  configure: (command) =>
    command
      .option("--project <name>", "only this project")
      .option("--type <event>", "only events of this type; repeat it for more", (type, before: string[] = []) => [
        ...before,
        type,
      ])
      .option("--from <start|end|position>", "after this place in the log", "end"),
  async run(session, _args, options) {
    const ledger = await session.forWriting();
    const types = options.type === undefined ? {} : { types: options.type };
    const query = { ...given(options, "project", "from"), ...types, signal: session.signal } as SubscribeOptions;
    for await (const event of ledger.subscribe(query)) {
      if (session.out.style.json) session.out.json(event);
      else session.out.say(inALine(event));
    }
    return undefined;
  },
};

const PATIENCE_MS = 1_000;

export const verify: CliCommand = {
  group: "Watch and check",
  signature: "verify",
  summary: "recompute the hash chain of every project, up to the first event that breaks one",
  examples: ["verify", 'verify --project "Digits" --json'],
  configure: (command) => command.option("--project <name>", "only this project"),
  async run(session, _args, options) {
    const ledger = await session.mustExist();
    const { out } = session;
    const { default: cliProgress } = await import("cli-progress");
    const bar = new cliProgress.SingleBar({
      format: "verified {value} events, {duration_formatted}",
      stream: out.stderr,
      clearOnComplete: true,
    });
    const begun = performance.now();
    const showProgress = (events: number) => {
      if (out.style.json || out.style.quiet || out.stderr.isTTY !== true) return;
      if (bar.isActive) bar.update(events);
      else if (performance.now() - begun > PATIENCE_MS) bar.start(0, events);
    };
    const query = { ...given(options, "project"), signal: session.signal, onProgress: showProgress } as VerifyOptions;
    const result = await ledger.verify(query).finally(() => bar.stop());
    const { firstBroken, events, streams } = result;
    if (out.style.json) out.json(result);
    else if (firstBroken) {
      out.stderr.write(
        `model-ledger: verification failed at event ${firstBroken.revision} of ${firstBroken.stream}: ${firstBroken.why}. Keep the file as it is and compare it with a backup\n`,
      );
    } else
      out.line(
        `${events} events of ${streams} project${streams === 1 ? "" : "s"} verified: every hash follows from the one before`,
      );
    return result.ok ? undefined : EXIT.verificationFailed;
  },
};
