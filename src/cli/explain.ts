import type { Contender } from "../index.ts";
import { type CliCommand, given } from "./command.ts";

export const explain: CliCommand = {
  group: "Ask",
  signature: "explain <project> <deployment>",
  summary: "why a deployment happened, and what else could have been deployed",
  examples: ['explain "Digits" 3', 'explain "Digits" 3 --environment staging'],
  configure: (command) => command.option("--environment <name>", "whose number it is (default: production)"),
  async run(session, [project = "", deployment = ""], options) {
    const which = /^\d{1,15}$/.test(deployment) ? { number: Number(deployment) } : { deploymentId: deployment };
    const ledger = await session.existing();
    const explanation = await ledger.explain({ project, ...which, ...given(options, "environment") });
    session.out.result(explanation, explanation.deployment.version, () => {
      session.out.say(explanation.sentence);
      const { count, others } = explanation.candidates;
      session.out.line(
        `\n${count} candidate${count === 1 ? "" : "s"}${others.length > 0 ? "; the best of those that were not deployed:" : ""}`,
      );
      if (others.length === 0) return;
      session.out.table<Contender>(others, [
        { title: "version", value: (row) => String(row.version), align: "right" },
        { title: "algorithm", value: (row) => row.algorithm },
        { title: "score", value: (row) => String(row.score ?? "none"), align: "right" },
        { title: "why not", value: (row) => row.lostBecause },
      ]);
    });
    return undefined;
  },
};
