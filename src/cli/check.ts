import type { RecordedEvent, SubscribeOptions } from "../index.ts";
import { type CliCommand, given } from "./command.ts";

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
