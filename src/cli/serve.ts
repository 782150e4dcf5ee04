import { type CliCommand, wholeNumber } from "./command.ts";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 8080;

const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export const serve: CliCommand = {
  group: "Serve",
  signature: "serve",
  summary: "serve the ledger over HTTP, with its page, until interrupted",
  examples: ["serve", "serve --port 9000 --store sqlite:./ledger.db"],
  configure: (command) =>
    command
      .option("--host <address>", `where to listen (default: ${DEFAULT_HOST})`)
      .option("--port <number>", `at which port, 0 for any that is free (default: ${DEFAULT_PORT})`, wholeNumber)
      .option("--rate-limit <count>", "requests a client may make in ten seconds, 0 for no limit", wholeNumber)
      .option("--allowed-host <name>", "another name that requests may come under; repeat it for more", repeated),
  async run(session, _args, options) {
    const { out, globals, signal, version } = session;
    await session.serve({
      store: globals.store,
      ...(globals.readModel !== undefined && { readModel: globals.readModel }),
      host: (options.host as string | undefined) ?? DEFAULT_HOST,
      port: (options.port as number | undefined) ?? DEFAULT_PORT,
      ...(options.rateLimit !== undefined && { rateLimit: options.rateLimit as number }),
      ...(options.allowedHost !== undefined && { allowedHosts: options.allowedHost as readonly string[] }),
      version,
      signal,
      onListening(url) {
        if (out.style.json) out.json({ url });
        else out.line(out.style.quiet ? url : `model-ledger is serving at ${url}, its documentation at ${url}/docs`);
      },
    });
    return undefined;
  },
};
