import { Command, Option } from "commander";
import { active } from "./active.ts";
import { history, leaderboard, models, timeline } from "./ask.ts";
import { audit } from "./audit.ts";
import {
  type CliCommand,
  FAMILIES,
  type GlobalOptions,
  type OpenLedger,
  type OpenProjections,
  type OpenTokens,
  type Serve,
  Session,
} from "./command.ts";
import { demo } from "./demo.ts";
import { deploy, promote, rollback } from "./deploy.ts";
import { EXIT } from "./exit-codes.ts";
import { explain } from "./explain.ts";
import { exportCommand, importCommand } from "./export.ts";
import { inOptions, reportFailure } from "./failure.ts";
import { freeze, policy, reinstate, retire, unfreeze } from "./govern.ts";
import { initProjections } from "./init-projections.ts";
import { keygen } from "./keys.ts";
import { Output, type Streams } from "./output.ts";
import { parkDrop, parkList, parkRetry, subscriptions } from "./park.ts";
import { projects } from "./projects.ts";
import { prove, receipt } from "./prove.ts";
import { serve } from "./serve.ts";
import { tokenCreate, tokenList, tokenRevoke } from "./token.ts";
import { train } from "./train.ts";
import { verify } from "./verify.ts";
import { watch } from "./watch.ts";
import { webhookAdd, webhookList, webhookRemove, webhookRun } from "./webhook.ts";
import { webhookDeliveries, webhookRedeliver } from "./webhook-deliveries.ts";
import { whatIf } from "./what-if.ts";

/** All that the program can do. */
export const COMMANDS: readonly CliCommand[] = [
  ...[train, deploy, rollback, promote],
  ...[retire, reinstate, policy, freeze, unfreeze],
  ...[active, projects, models, leaderboard, history, timeline, explain, audit, whatIf],
  ...[watch, verify, exportCommand, importCommand, initProjections, demo],
  ...[subscriptions, parkList, parkRetry, parkDrop],
  ...[webhookAdd, webhookList, webhookRemove, webhookDeliveries, webhookRedeliver, webhookRun],
  ...[keygen, receipt, prove],
  ...[serve, tokenCreate, tokenList, tokenRevoke],
];

const MAIN_HELP = `
Examples:
  $ model-ledger train "Digits" --task classification --algorithm svm --metric f1=0.97
  $ model-ledger deploy "Digits" --strategy rollback --reason "error rate doubled"
  $ model-ledger history "Digits"

Exit codes: 0 done, 1 refused by a rule, 2 wrong usage or input, 3 store unreachable, 4 lost race, 5 verification failed.
Completion: \`source <(model-ledger complete bash)\`, where bash-completion is installed; also zsh, fish and powershell.`;

interface World {
  readonly streams: Streams;
  readonly version: string;
  readonly open: OpenLedger;
  readonly openProjections: OpenProjections;
  readonly openTokens: OpenTokens;
  readonly serve: Serve;
  readonly signal: AbortSignal;
}

/** The program, built but not run. `onExit` hears the exit code of the command that ran. */
export function buildProgram(world: World, onExit: (code: number) => void): Command {
  const program = new Command("model-ledger")
    .description("Which model was serving, when, who put it there, and why.")
    .version(world.version)
    .addOption(
      new Option("--store <url>", "sqlite:<path>, memory:, esdb://<host>:<port> or http://<host>:<port>")
        .env("MODEL_LEDGER_STORE")
        .default("sqlite:./model-ledger.db"),
    )
    .addOption(new Option("--token <secret>", "lets in at a service").env("MODEL_LEDGER_TOKEN"))
    .addOption(
      new Option("--read-model <path>", "the file that searches across projects are answered from").env(
        "MODEL_LEDGER_READ_MODEL",
      ),
    )
    .option("--json", "one JSON object, or one a line where it is a list")
    .option("--actor <name>", "who gives the command (default: user@host)")
    .option("--reason <text>", "why; recorded with the command")
    .option("--command-id <id>", "repeating a command with its id does it once")
    .option("--dry-run", "say what would happen and write nothing")
    .option("--quiet", "print the essential value only")
    .option("--no-color", "no colour; so it is with NO_COLOR set, with TERM=dumb and off a terminal")
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", MAIN_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.streams.stdout.write(text),
      writeErr: (text) => world.streams.stderr.write(text),
      outputError: () => undefined, // said by reportFailure, as every other failure is
    });
  for (const command of COMMANDS) addCommand(program, command, world, onExit);
  return program;
}

/** The command that `entry` is a part of, made when the first of its parts is. */
function parentOf(program: Command, { within, group }: CliCommand): Command {
  if (within === undefined) return program;
  const there = program.commands.find((command) => command.name() === within);
  if (there) return there;
  const { summary, example } = FAMILIES[within];
  return program
    .command(within)
    .helpGroup(`${group}:`)
    .description(summary)
    .addHelpText("after", `\nExamples:\n  $ model-ledger ${example}`);
}

function addCommand(program: Command, entry: CliCommand, world: World, onExit: (code: number) => void): void {
  const examples = entry.examples.map((example) => `  $ model-ledger ${example}`).join("\n");
  const command = parentOf(program, entry)
    .command(entry.signature)
    .helpGroup(entry.within === undefined ? `${entry.group}:` : "Commands:")
    .description(entry.summary)
    .addHelpText("after", `\nExamples:\n${examples}`);
  entry.configure?.(command);
  command.action(async (...parameters: unknown[]) => {
    const given = parameters.slice(0, command.registeredArguments.length).flat();
    const args = given.filter((argument) => argument !== undefined).map(String);
    const globals = program.opts<GlobalOptions>();
    const { json = false, quiet = false, color } = globals;
    const session = new Session(globals, new Output(world.streams, { json, quiet, color }), world);
    try {
      onExit((await entry.run(session, args, command.opts())) ?? EXIT.done);
    } catch (error) {
      throw inOptions(error, command);
    } finally {
      await session.close();
    }
  });
}

/** Runs the program and gives its exit code. Results on stdout; errors on stderr, in a sentence. */
export async function runProgram(argv: readonly string[], world: World): Promise<number> {
  let code: number = EXIT.done;
  const program = buildProgram(world, (given) => {
    code = given;
  });
  if (argv[0] === "complete") {
    const { default: tab } = await import("@bomb.sh/tab/commander");
    tab(program);
  }
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    return reportFailure(error, world.streams, program.opts<GlobalOptions>().json === true, world.signal);
  }
}
