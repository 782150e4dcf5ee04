import { LedgerError } from "../errors.ts";
import type { Policy, PolicyResult, RetireModelInput, RetirementResult, SetPolicyInput } from "../index.ts";
import { type CliCommand, decimalNumber, given, type Session } from "./command.ts";

function printRetirement(session: Session, result: RetirementResult): void {
  session.out.result(result, result.version, () => {
    const state = result.retired ? "retired" : "in the running";
    const serving = result.activeIn.join(", ");
    const dry = result.dryRun ? "dry run, nothing was written: " : "";
    const still =
      serving === "" ? "" : result.retired ? `; it goes on serving in ${serving} until the next deployment there` : "";
    session.out.say(
      `${dry}version ${result.version} of ${result.project} is ${state}${result.changed ? "" : " already"}${still}`,
    );
  });
}

export const retire: CliCommand = {
  group: "Govern",
  signature: "retire <project>",
  summary: "take a model out of the running; where it is active it stays so",
  examples: ['retire "Digits" --model 2 --reason "trained on leaked labels"'],
  configure: (command) => command.requiredOption("--model <version|id>", "the model"),
  async run(session, [project = ""], options) {
    const input = { project, ...given(options, "model"), ...session.commandOptions } as RetireModelInput;
    printRetirement(session, await (await session.existing()).retireModel(input));
    return undefined;
  },
};

export const reinstate: CliCommand = {
  group: "Govern",
  signature: "reinstate <project>",
  summary: "let a retired model qualify again",
  examples: ['reinstate "Digits" --model 2'],
  configure: (command) => command.requiredOption("--model <version|id>", "the model"),
  async run(session, [project = ""], options) {
    const input = { project, ...given(options, "model"), ...session.commandOptions } as RetireModelInput;
    printRetirement(session, await (await session.existing()).reinstateModel(input));
    return undefined;
  },
};

function freezeInWords(frozen: Policy["frozen"]): string {
  if (frozen === null) return "no";
  const { reason, until } = frozen;
  if (until === undefined) return reason;
  return Date.parse(until) > Date.now() ? `${reason} (until ${until})` : `no longer: ${reason} (ended ${until})`;
}

function printPolicy(session: Session, policy: Policy, isDryRun: boolean): void {
  if (isDryRun) session.out.line("dry run, nothing was written; it would be:");
  session.out.table(
    [
      ["automatic deploy", policy.automaticDeploy],
      ["min improvement", String(policy.minImprovement)],
      ["metric", policy.metric === null ? "none" : `${policy.metric} (${policy.goal})`],
      ["environment", policy.environment],
      ["reason required", policy.requireReason ? "yes" : "no"],
      ["frozen", freezeInWords(policy.frozen)],
    ],
    [
      { title: "policy", value: ([name = ""]) => name },
      { title: "value", value: ([, value = ""]) => value },
    ],
  );
}

function printPolicyResult(session: Session, result: PolicyResult): void {
  session.out.result(result, result.project, () => printPolicy(session, result.policy, result.dryRun === true));
}

const POLICY_FIELDS = ["automaticDeploy", "minImprovement", "metric", "goal", "environment", "requireReason"] as const;

/** Fields that go back to their defaults. */
function unset(options: Readonly<Record<string, unknown>>): Record<string, null> {
  const names = (options.unset as readonly string[] | undefined) ?? [];
  return Object.fromEntries(
    names.map((name) => {
      const field = name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
      if (options[field] !== undefined) {
        throw new LedgerError("INVALID_INPUT", `--unset ${name} and --${name} contradict each other: give one of them`);
      }
      if (POLICY_FIELDS.some((known) => known === field) || field === "frozen") return [field, null];
      const known = POLICY_FIELDS.join(", ");
      throw new LedgerError("INVALID_INPUT", `--unset ${name}: a policy has no such field; it has ${known} and frozen`);
    }),
  );
}

export const policy: CliCommand = {
  group: "Govern",
  signature: "policy <project>",
  summary: "show a project's policy, or change it",
  examples: [
    'policy "Digits"',
    'policy "Digits" --automatic-deploy not_worse --require-reason',
    'policy "Digits" --metric accuracy --goal maximize',
    'policy "Digits" --unset metric',
  ],
  configure: (command) =>
    command
      .option("--automatic-deploy <rule>", "improved, not_worse or off")
      .option("--min-improvement <number>", "with improved: the gain must be more than this", decimalNumber)
      .option("--metric <name>", "the metric that decides better, in place of the task's")
      .option("--goal <goal>", "maximize or minimize that metric")
      .option("--environment <name>", "where automatic deploys go")
      .option("--require-reason", "every command but a training must give one")
      .option("--no-require-reason", "reasons are welcome, not required")
      .option("--unset <field>", "back to the default; repeat it for more", (name, before: string[] = []) => [
        ...before,
        name,
      ]),
  async run(session, [project = ""], options) {
    const change = { ...given(options, ...POLICY_FIELDS), ...unset(options) };
    if (Object.keys(change).length > 0) {
      const input = { project, policy: change, ...session.commandOptions } as SetPolicyInput;
      printPolicyResult(session, await session.write((ledger) => ledger.setPolicy(input)));
      return undefined;
    }
    const summary = await (await session.existing()).project(project);
    session.out.result(summary.policy, summary.policy.automaticDeploy, () =>
      printPolicy(session, summary.policy, false),
    );
    return undefined;
  },
};

export const freeze: CliCommand = {
  group: "Govern",
  signature: "freeze <project>",
  summary: "refuse deployments but rollbacks, for a reason and perhaps until a time",
  examples: ['freeze "Digits" --reason "end of quarter" --until 2027-01-02T00:00:00Z'],
  configure: (command) => command.option("--until <time>", "when it ends by itself, ISO 8601"),
  async run(session, [project = ""], options) {
    const { reason } = session.globals;
    if (reason === undefined) throw new LedgerError("INVALID_INPUT", "a freeze needs a --reason that others can read");
    const frozen = { reason, ...given(options, "until") };
    const input = { project, policy: { frozen }, ...session.commandOptions };
    printPolicyResult(session, await session.write((ledger) => ledger.setPolicy(input)));
    return undefined;
  },
};

export const unfreeze: CliCommand = {
  group: "Govern",
  signature: "unfreeze <project>",
  summary: "end a freeze",
  examples: ['unfreeze "Digits"'],
  async run(session, [project = ""]) {
    const ledger = await session.existing();
    await ledger.project(project); // an unfreeze must not begin a project
    printPolicyResult(
      session,
      await ledger.setPolicy({ project, policy: { frozen: null }, ...session.commandOptions }),
    );
    return undefined;
  },
};
