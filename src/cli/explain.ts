import { LedgerError } from "../errors.ts";
import type { Contender, ExplainTrainingOptions } from "../index.ts";
import { type CliCommand, given, type Options, type Session } from "./command.ts";

export const explain: CliCommand = {
  group: "Ask",
  signature: "explain <project> [deployment]",
  summary: "why a deployment happened or a training did not deploy, and what else could have been deployed",
  examples: ['explain "Digits" 3', 'explain "Digits" 3 --environment staging', 'explain "Digits" --model 4'],
  configure: (command) =>
    command
      .option("--environment <name>", "whose number it is (default: production)")
      .option("--model <version|id>", "of this model's training"),
  async run(session, [project = "", deployment], options) {
    if ((deployment === undefined) === (options.model === undefined)) {
      throw new LedgerError("INVALID_INPUT", "name a deployment by its number or id, or a model with --model");
    }
    await (deployment === undefined
      ? explainTraining(session, project, String(options.model))
      : explainDeployment(session, project, deployment, options));
    return undefined;
  },
};

const isNumber = (text: string): boolean => /^\d{1,15}$/.test(text);

async function explainTraining(session: Session, project: string, model: string): Promise<void> {
  const query: ExplainTrainingOptions = {
    project,
    ...(isNumber(model) ? { version: Number(model) } : { modelId: model }),
    signal: session.signal,
  };
  const explanation = await (await session.existing()).explain(query);
  session.out.result(explanation, explanation.outcome, () => session.out.say(explanation.paragraph));
}

async function explainDeployment(session: Session, project: string, deployment: string, options: Options) {
  const which = isNumber(deployment) ? { number: Number(deployment) } : { deploymentId: deployment };
  const ledger = await session.existing();
  const { signal } = session;
  const explanation = await ledger.explain({ project, ...which, ...given(options, "environment"), signal });
  session.out.result(explanation, explanation.deployment.version, () => {
    const { candidates, command } = explanation;
    const { count, others } = candidates;
    session.out.say(explanation.paragraph);
    session.out.line(
      `\n${count} candidate${count === 1 ? "" : "s"}${others.length > 0 ? "; the best of those that were not deployed:" : ""}`,
    );
    if (others.length > 0) {
      session.out.table<Contender>(others, [
        { title: "version", value: (row) => String(row.version), align: "right" },
        { title: "algorithm", value: (row) => row.algorithm },
        { title: "score", value: (row) => String(row.score ?? "none"), align: "right" },
        { title: "why not", value: (row) => row.lostBecause },
      ]);
    }
    session.out.say(`decided so because ${explanation.because}`);
    session.out.say(`asked for by ${command.asked}, command ${command.commandId}, caused by ${command.causationId}`);
  });
}
