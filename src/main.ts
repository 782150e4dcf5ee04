import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { EXIT } from "./cli/exit-codes.ts";
import { systemRuntime } from "./runtime.ts";

/** The composition root of the program: what it runs on, and how it ends. */
function versionOfPackage(): string {
  // From the sources it lies one folder up, from dist/src two.
  const places = ["../package.json", "../../package.json"];
  for (const place of places) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8")) as { version?: string };
      if (version !== undefined) return version;
    } catch {} // not there: the next place
  }
  return "unknown";
}

/** Somebody who ends a whole group of processes (`timeout`, systemd, bin/) may reach us twice with one wish. */
const ONE_WISH_MS = 500;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
/** A bug of ours; sysexits.h calls it EX_SOFTWARE. */
const EXIT_BUG = 70;

// A variable that is set to nothing is as good as none: so a pipeline writes what it does not have.
for (const [name, value] of Object.entries(process.env)) {
  if (name.startsWith("MODEL_LEDGER_") && value === "") delete process.env[name];
}

const stop = new AbortController();
let askedAt = 0;
for (const [signal, number] of Object.entries(SIGNALS)) {
  process.on(signal, () => {
    if (!stop.signal.aborted) {
      askedAt = performance.now();
      stop.abort();
    } else if (performance.now() - askedAt > ONE_WISH_MS) {
      process.exit(128 + number); // asked again: no more waiting
    }
  });
}

/** Why standard output takes no more, once it does not. */
let outputFailure: NodeJS.ErrnoException | undefined;
/** What the command came to, once it is over. */
let commandCode: number | undefined;

/** A command that failed says so, whatever became of its output; one that did not is as good as its output. */
function setExitCode(): void {
  const hasFailed = commandCode !== undefined && commandCode !== EXIT.done && commandCode !== EXIT.interrupted;
  if (outputFailure === undefined || hasFailed) process.exitCode = commandCode;
  else process.exitCode = outputFailure.code === "EPIPE" ? EXIT.done : EXIT.storeUnreachable;
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (outputFailure !== undefined) return;
  outputFailure = error;
  // `model-ledger history | head` closes the pipe early: that is no error.
  if (error.code !== "EPIPE") {
    process.stderr.write(`model-ledger: the output could not be written (${error.code}): it is not whole\n`);
  }
  stop.abort(error);
  setExitCode();
});
// Nobody hears what is said there; the results and the exit code are worth no less.
process.stderr.on("error", () => undefined);

// Compiled code is kept for the next start, which is three times as fast; hence the late imports.
enableCompileCache();
const [{ runProgram }, { openLedger, openWithStore }, { openProjections }] = await Promise.all([
  import("./cli/program.ts"),
  import("./open-ledger.ts"),
  import("./open-projections.ts"),
]);
try {
  commandCode = await runProgram(process.argv.slice(2), {
    streams: process,
    version: versionOfPackage(),
    open: openLedger,
    openProjections,
    openTokens: async (url) => {
      const { Tokens } = await import("./access/tokens.ts");
      const { ledger, store } = await openWithStore(url);
      return { tokens: new Tokens(store, systemRuntime()), close: () => ledger.close() };
    },
    serve: async ({ store, readModel, ...request }) => {
      const [{ serve }, { page }, { boundHeaps }] = await Promise.all([
        import("./http/serve.ts"),
        import("./http/page.ts"),
        import("./observability/bounded-heaps.ts"),
      ]);
      boundHeaps();
      // A server that is elsewhere may come up later than this one; a file that cannot be opened stays so.
      const isElsewhere = /^(esdb|kurrentdb)/i.test(store);
      const open = () => openWithStore(store, readModel === undefined ? {} : { readModel });
      await serve({ ...request, open, isElsewhere, page: page() });
    },
    signal: stop.signal,
  });
} catch (error) {
  console.error("model-ledger: a bug of its own, please report it:", error);
  commandCode = EXIT_BUG;
}
setExitCode();
