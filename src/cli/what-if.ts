import { InvalidArgumentError } from "commander";
import type { WhatIf, WhatIfRow, WhatIfRule } from "../index.ts";
import { type CliCommand, given } from "./command.ts";
import type { Column, Output } from "./output.ts";

/** `field=value`, or a JSON object with several of them. */
function policyFields(text: string, before: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  if (text.trimStart().startsWith("{")) return { ...before, ...(jsonOrText(text) as object) };
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`"${text}" must be written as field=value, or as a JSON object.`);
  const field = text.slice(0, at).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return { ...before, [field]: jsonOrText(text.slice(at + 1)) };
}

/** JSON where it is JSON ("true", "0.05", "null"), else text. */
function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (text.trimStart().startsWith("{")) throw new InvalidArgumentError(`"${text}" is not JSON.`);
    return text;
  }
}

export const whatIf: CliCommand = {
  group: "Ask",
  signature: "what-if <project>",
  summary: "which deployments would have differed under another rule; writes nothing",
  examples: [
    'what-if "Digits" --policy automaticDeploy=not_worse',
    'what-if "Digits" --policy min-improvement=0.05 --policy environment=staging',
    'what-if "Digits" --without 3',
    'what-if "Digits" --strategy best_score --all',
  ],
  configure: (command) =>
    command
      .option("--policy <field=value>", "as if this policy had always held; repeat it for more", policyFields)
      .option("--without <version|id>", "as if this model had never qualified")
      .option("--strategy <name>", "as if best_score or most_recent had decided every deployment")
      .option("--until <time>", "when the comparison ends, ISO 8601 (default: now)")
      .option("--all", "also the deployments that would have been the same"),
  async run(session, [project = ""], options) {
    const rule = given(options, "policy", "without", "strategy", "until") as WhatIfRule;
    const ledger = await session.existing();
    const result = await ledger.whatIf(project, rule);
    const rows = options.all ? result.rows : result.rows.filter((row) => row.differs);
    const { out } = session;
    out.result(result, result.rows.filter((row) => row.differs).length, () => print(out, result, rows));
    return undefined;
  },
};

function print(out: Output, result: WhatIf, rows: readonly WhatIfRow[]): void {
  const columns: readonly Column<WhatIfRow>[] = [
    { title: "when", value: (row) => row.recordedAt },
    { title: "environment", value: (row) => row.environment },
    { title: "number", value: (row) => String(row.actual?.number ?? ""), align: "right" },
    { title: "was deployed", value: (row) => nameOf(row.actual) },
    {
      title: "would have been",
      value: (row) => (row.refused ? `nothing: ${row.refused.code}` : nameOf(row.alternative)),
    },
    ...(rows.length < result.rows.length || rows.every((row) => row.differs)
      ? []
      : [{ title: "", value: (row: WhatIfRow) => (row.differs ? "differs" : "") }]),
  ];
  if (rows.length > 0) out.table(rows, columns);
  const differing = result.rows.filter((row) => row.differs).length;
  out.say(`${differing} of ${result.rows.length} deployments would have differed; nothing was written`);
  for (const times of result.environments) out.say(inASentence(times, result));
}

const nameOf = (served: WhatIfRow["alternative"]): string =>
  served === null ? "nothing" : `version ${served.version} (${served.algorithm}) by ${served.strategy}`;

/** Digits that a score has no more of. */
const DIGITS = 6;
const shown = (value: number): string => String(Number(value.toPrecision(DIGITS)));

function inASentence(times: WhatIf["environments"][number], { metric, goal }: WhatIf): string {
  const { environment, differsMs, totalMs, meanDifference, scoreHours, isBetter } = times;
  if (differsMs === 0) return `in ${environment} the same models would have served all the time`;
  const served = `in ${environment} another model would have served for ${duration(differsMs)} of ${duration(totalMs)}`;
  if (meanDifference === null) return `${served}; there are no scores to compare`;
  const verdict = isBetter === null ? "no difference" : isBetter ? "better" : "worse";
  const sign = meanDifference > 0 ? "+" : "";
  return `${served}; ${metric} ${sign}${shown(meanDifference)} on average over that time, ${sign}${shown(scoreHours)} ${metric} × hours (${goal}: ${verdict})`;
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** "3 d 4 h" */
function duration(ms: number): string {
  const index = UNITS.findIndex(([, length]) => ms >= length);
  const unit = UNITS[index];
  if (unit === undefined) return `${ms} ms`;
  const next = UNITS[index + 1];
  const rest = next === undefined ? 0 : Math.floor((ms % unit[1]) / next[1]);
  const whole = `${Math.floor(ms / unit[1])} ${unit[0]}`;
  return next === undefined || rest === 0 ? whole : `${whole} ${rest} ${next[0]}`;
}
