import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import type { RecordTrainingInput } from "../api/ledger.ts";
import { LedgerError } from "../errors.ts";
import { parseJson } from "../events/parse-json.ts";
import { assignments, type CliCommand, decimalNumber, given, wholeNumber } from "./command.ts";

/** JSON where it is JSON, else the text itself: `--hyperparam C=10 --hyperparam kernel=rbf`. */
function jsonOrText(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

/** A JSON object, or `@file` that holds one. */
function jsonObject(text: string): unknown {
  try {
    return parseJson(text.startsWith("@") ? readFileSync(text.slice(1), "utf8") : text);
  } catch (error) {
    throw new InvalidArgumentError(
      `It must be a JSON object or @file: ${error instanceof Error ? error.message : ""}.`,
    );
  }
}

export const train: CliCommand = {
  group: "Record and deploy",
  signature: "train <project>",
  summary: "record that a model was trained; it is deployed if it is better",
  examples: [
    'train "Digits" --task classification --algorithm svm --metric f1=0.97 --metric accuracy=0.98',
    "train Prices --task regression --algorithm linear --metric r2=0.81 --hyperparam alpha=0.1 --artifact-uri s3://models/17",
  ],
  configure: (command) =>
    command
      .requiredOption("--algorithm <name>", "what trained it, any name")
      .option("--task <task>", "the project's task; its first training must name it")
      .option("--metric <name=number>", "a score; repeat it for more", assignments(decimalNumber))
      .option("--hyperparam <name=value>", "a setting, JSON or text; repeat it for more", assignments(jsonOrText))
      .option("--hyperparams <json>", "all settings as a JSON object, or @file", jsonObject)
      .option("--snapshot-relation <name>", "the data it was trained on")
      .option("--snapshot-rows <count>", "how many rows that had", wholeNumber)
      .option("--snapshot-digest <digest>", "what identifies that data")
      .option("--artifact-uri <uri>", "where the model lies")
      .option("--artifact-digest <digest>", "what identifies its bytes")
      .option("--label <name=text>", "anything else worth finding again; repeat it for more", assignments(String))
      .option("--trained-at <time>", "when, ISO 8601; now unless given")
      .option("--no-deploy", "do not deploy it, however good it is")
      .option("--expected-revision <revision>", "refuse if the project has moved on from this revision", wholeNumber),
  async run(session, [project = ""], options) {
    const { hyperparam, hyperparams } = options;
    if (hyperparam !== undefined && hyperparams !== undefined) {
      throw new LedgerError("INVALID_INPUT", "give --hyperparam or --hyperparams, not both");
    }
    const snapshot = {
      ...(options.snapshotRelation !== undefined && { relation: options.snapshotRelation }),
      ...(options.snapshotRows !== undefined && { rows: options.snapshotRows }),
      ...(options.snapshotDigest !== undefined && { digest: options.snapshotDigest }),
    };
    const artifact = {
      ...(options.artifactUri !== undefined && { uri: options.artifactUri }),
      ...(options.artifactDigest !== undefined && { digest: options.artifactDigest }),
    };
    const input = {
      project,
      metrics: options.metric ?? {},
      hyperparams: hyperparam ?? hyperparams ?? {},
      ...(Object.keys(snapshot).length > 0 && { snapshot }),
      ...(Object.keys(artifact).length > 0 && { artifact }),
      ...(options.label !== undefined && { labels: options.label }),
      ...given(options, "task", "algorithm", "trainedAt", "expectedRevision"),
      automaticDeploy: options.deploy !== false,
      ...session.commandOptions,
    } as RecordTrainingInput; // the ledger's own schema checks it
    const result = await session.write((ledger) => ledger.recordTraining(input));
    session.out.result(result, result.version, () => {
      session.out.table(
        [result],
        [
          { title: "project", value: (row) => row.project },
          { title: "version", value: (row) => String(row.version), align: "right" },
          { title: "algorithm", value: (row) => row.algorithm },
          { title: "deployed", value: (row) => (row.deployed ? "yes" : "no") },
        ],
      );
      const where = result.deployment ? `deployed to ${result.deployment.environment}` : "not deployed";
      session.out.say(`${result.dryRun ? "dry run, nothing was written: " : ""}${where}: ${result.because}`);
    });
    return undefined;
  },
};
