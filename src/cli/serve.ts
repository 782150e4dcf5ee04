import { InvalidArgumentError, Option } from "commander";
import { type CliCommand, type Options, type ServeRequest, wholeNumber } from "./command.ts";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 8080;
const MAX_PORT = 65_535;

function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port > MAX_PORT) throw new InvalidArgumentError(`It must be 0 to ${MAX_PORT}.`);
  return port;
}

const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

function jwtOf({ jwtIssuer, jwtAudience, jwtKey }: Options): Pick<ServeRequest, "jwt"> {
  if (jwtIssuer === undefined && jwtKey === undefined) return {};
  return {
    jwt: {
      ...(jwtIssuer !== undefined && { issuer: String(jwtIssuer) }),
      ...(jwtAudience !== undefined && { audience: String(jwtAudience) }),
      ...(jwtKey !== undefined && { key: String(jwtKey) }),
    },
  };
}

export const serve: CliCommand = {
  group: "Serve",
  signature: "serve",
  summary: "serve the ledger over HTTP, with its page, until interrupted",
  examples: ["serve", "serve --port 9000 --store sqlite:./ledger.db"],
  configure: (command) =>
    command
      .option("--host <address>", `where to listen (default: ${DEFAULT_HOST})`)
      .option("--port <number>", `at which port, 0 for any that is free (default: ${DEFAULT_PORT})`, portNumber)
      .option("--rate-limit <count>", "requests a client may make in ten seconds, 0 for no limit", wholeNumber)
      .addOption(
        new Option("--log-level <level>", "what to log on stderr, a line of JSON each (default: info)")
          .choices(["debug", "info", "warn", "error", "silent"])
          .env("MODEL_LEDGER_LOG_LEVEL"),
      )
      .option("--jwt-issuer <url>", "let in who has a JWT of this issuer (OpenID Connect)")
      .option("--jwt-audience <name>", "whom such a JWT must be meant for")
      .option("--jwt-key <file|url>", "the issuer's public key as PEM or JWK, or its JWKS")
      .option("--allowed-host <name>", "another name that requests may come under; repeat it for more", repeated),
  async run(session, _args, options) {
    session.refuseDryRun("serve");
    const { out, globals, signal, version } = session;
    await session.serve({
      store: globals.store,
      ...(globals.readModel !== undefined && { readModel: globals.readModel }),
      host: (options.host as string | undefined) ?? DEFAULT_HOST,
      port: (options.port as number | undefined) ?? DEFAULT_PORT,
      ...(options.rateLimit !== undefined && { rateLimit: options.rateLimit as number }),
      ...(options.allowedHost !== undefined && { allowedHosts: options.allowedHost as readonly string[] }),
      ...(options.logLevel !== undefined && { logLevel: String(options.logLevel) }),
      ...jwtOf(options),
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
