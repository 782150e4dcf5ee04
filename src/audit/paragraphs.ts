import type { Explanation, TrainingExplanation } from "./explanation.ts";
import { counted, dateInWords, inWordsExactly, listed } from "./words.ts";

/** Explanations for people who do not know the ledger: no ids, whole sentences, units and dates as people say them. */

export function deploymentParagraph(explanation: Omit<Explanation, "paragraph">): string {
  const { environment, number, version, algorithm, actor, recordedAt, project, decision } = explanation.deployment;
  const score = withScore(decision.metric, decision.score);
  return [
    `On ${dateInWords(recordedAt)}, ${actor} put version ${version} of “${project}” (${algorithm}${score}) into ${environment}; it was deployment number ${number} there.`,
    choice(explanation),
    ...force(explanation),
    ...runnersUp(explanation),
    before(explanation),
    reasonGiven(explanation.deployment.reason),
  ].join(" ");
}

function choice({ deployment, candidates, replayed, comparedWith }: Omit<Explanation, "paragraph">): string {
  const { strategy, decision, algorithmFilter, promotedFrom } = deployment;
  const kind = algorithmFilter === undefined ? "" : ` of the algorithm ${algorithmFilter}`;
  const among =
    candidates.count === 1
      ? `it was the only model${kind} that qualified`
      : `${candidates.count} models${kind} qualified`;
  const best = decision.goal === "maximize" ? "highest" : "lowest";
  switch (strategy) {
    case "best_score":
      return `The best score was asked for: ${among}${candidates.count === 1 ? "." : `, and it has the ${best} ${decision.metric} of them.`}`;
    case "most_recent":
      return `The most recent model was asked for: ${among}${candidates.count === 1 ? "." : ", and it was trained last."}`;
    case "rollback": {
      const number = replayed ? ` number ${replayed.number}` : "";
      if (replayed?.isByNumber) return `This was a rollback to the model of deployment${number}, which was named.`;
      const among =
        candidates.count === 1
          ? `the only model${kind} to go back to`
          : `one of ${candidates.count} models${kind} to go back to`;
      return `This was a rollback. It went back to the model of deployment${number}, ${among}.`;
    }
    case "specific":
      return promotedFrom === undefined
        ? "Exactly this model was asked for, so its score was not compared with others."
        : `It was promoted from ${promotedFrom}, where it was active.`;
    case "new_score":
      return comparedWith === null
        ? "It went into service with its training, because nothing was active there yet."
        : `It went into service with its training, because ${comparison(deployment.decision, comparedWith)}.`;
  }
}

function force({ forced }: Omit<Explanation, "paragraph">): string[] {
  if (forced === null) return [];
  const past = [
    ...(forced.isRetired ? ["this model was retired"] : []),
    ...(forced.freeze === null ? [] : [`the project was frozen (“${forced.freeze}”)`]),
  ];
  return [`It had to be forced, because ${listed(past)}.`];
}

type Decision = Explanation["deployment"]["decision"];
type Compared = NonNullable<Explanation["comparedWith"]>;

function comparison({ metric, goal, score }: Decision, other: Compared): string {
  const active = `version ${other.version}, which was active then`;
  if (metric === null || (score === null && other.score === null))
    return `neither it nor ${active}, had a score to compare`;
  if (other.score === null) return `it has a ${metric}, and ${active}, had none`;
  if (score === null) return `it has no ${metric} to compare with ${active}`;
  const word = score === other.score ? "as good as" : isHigher(goal, score, other.score) ? "better than" : "worse than";
  return `its ${metric} of ${score} is ${word} the ${other.score} of ${active} (${goal === "maximize" ? "higher" : "lower"} is better)`;
}

const isHigher = (goal: Decision["goal"], score: number, other: number): boolean =>
  goal === "maximize" ? score > other : score < other;

function runnersUp({ candidates, deployment }: Omit<Explanation, "paragraph">): string[] {
  const { others } = candidates;
  if (others.length === 0) return [];
  const names = others.map(
    ({ version, algorithm, score, lostBecause }) =>
      `version ${version} (${algorithm}${withScore(deployment.decision.metric, score)}), because ${lostBecause}`,
  );
  const rest = candidates.count - 1 - others.length;
  const more = rest > 0 && others.length === 5 ? `, among ${counted(rest, "other")} further down` : "";
  return [`Not chosen ${others.length === 1 ? "was" : "were"} ${names.join("; ")}${more}.`];
}

function before({ deployment, replaced }: Omit<Explanation, "paragraph">): string {
  if (replaced === null) return `Nothing had been active in ${deployment.environment} before.`;
  const { version, algorithm, number, servedMs, modelServedMs } = replaced;
  const [served, last] = [inWordsExactly(modelServedMs), inWordsExactly(servedMs)];
  const again = served === last ? "" : `; it had been deployed again, as number ${number}, ${last} earlier`;
  if (version === deployment.version) return `The same version had been active there already, for ${served}${again}.`;
  return `It replaced version ${version} (${algorithm}), which had served for ${served}${again}.`;
}

const reasonGiven = (reason: string | undefined): string =>
  reason === undefined ? "No reason was given." : `The reason given was: “${reason}”.`;

const withScore = (metric: string | null, score: number | null): string =>
  metric === null || score === null ? "" : `, ${metric} ${score}`;

export function trainingParagraph(explanation: Omit<TrainingExplanation, "paragraph">): string {
  const { project, model, metric, goal, score, actor, recordedAt, outcome, because, deployments, reason } = explanation;
  const names = deployments.map(({ number, environment }) => `number ${number} in ${environment}`);
  const later =
    deployments.length === 0
      ? "It has never been deployed."
      : `It has been deployed ${deployments.length === 1 ? "once" : `${deployments.length} times`}: ${listed(names.slice(0, 5))}${names.length > 5 ? ", and more" : ""}.`;
  const end = outcome === "deployed" ? "It was deployed at once" : "It was not deployed at once";
  const isCompared = score !== null && explanation.comparedWith?.score != null;
  return [
    `On ${dateInWords(recordedAt)}, ${actor} recorded the training of version ${model.version} of “${project}” (${model.algorithm}${withScore(metric, score)}).`,
    ...(reason === undefined ? [] : [reasonGiven(reason)]),
    `${end}; the ledger found: “${because}”.`,
    ...(isCompared && goal === "minimize" ? [`The lower the ${metric}, the better.`] : []),
    later,
  ].join(" ");
}
