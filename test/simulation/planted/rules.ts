import type { Mutation } from "../mutations.ts";

const DECIDE = "src/domain/decide.ts";
const CANDIDATES = "src/domain/candidates.ts";
const PROJECT = "projections/project.ts";

/** Bugs in the rules and the folds. */
export const RULES: readonly Mutation[] = [
  {
    bug: "the idempotency check looks at the last two commands only",
    file: PROJECT,
    find: "const REMEMBERED_COMMANDS = 10_000;",
    replace: "const REMEMBERED_COMMANDS = 1;",
  },
  {
    bug: "a rollback looks at models instead of deployments",
    file: CANDIDATES,
    find: "const number = environment.recent[index] ?? 0;\n    const version = itemAt(environment.deployed, number - 1)?.version ?? 0;",
    replace:
      "const version = index - (environment.recent.length - 1) + activeVersion - 1;\n    if (version < 1) return undefined;\n    const number = environment.latestOf[version] ?? 1;",
  },
  {
    bug: "a deployment is numbered across environments",
    file: DECIDE,
    find: "number: (replaced?.number ?? 0) + 1,",
    replace: "number: Object.values(state.active.environments).reduce((sum, one) => sum + one.number, 0) + 1,",
  },
  {
    bug: "a version counts the models that are not retired",
    file: DECIDE,
    find: "const version = state.models.length + 1;",
    replace: "const version = state.everyone.count + 1;",
  },
  {
    bug: "an expected revision is not looked at",
    file: DECIDE,
    find: "if (expectedRevision === undefined || expectedRevision === actual) return undefined;",
    replace: "if (expectedRevision === undefined || expectedRevision === actual || project) return undefined;",
  },
  {
    bug: "a retired model goes on winning",
    file: PROJECT,
    find: "if (isRetired) disqualify(state, version, changed);\n  else qualify",
    replace: "if (!isRetired) qualify",
  },
  {
    bug: "among equal scores the one trained last wins after a new ranking",
    file: PROJECT,
    find: "const isFirst = best === null || isBetter(ranking.goal, score, best);",
    replace: "const isFirst = best === null || !isBetter(ranking.goal, best, score);",
  },
  {
    bug: "setting one field of a policy takes the others back",
    file: "src/domain/policy.ts",
    find: "const merged: Record<string, unknown> = { ...own };",
    replace: "const merged: Record<string, unknown> = {};",
  },
  {
    bug: "a gain is compared in binary fractions",
    file: "src/domain/automatic-deploy.ts",
    find: "!differenceExceeds(high, low, minImprovement)",
    replace: "!(high - low > minImprovement)",
  },
  {
    bug: "an automatic deploy goes into production whatever the policy names",
    file: DECIDE,
    find: "environment: policy.environment,",
    replace: 'environment: "production",',
  },
  {
    bug: "a freeze with an end never ends",
    file: "src/domain/policy.ts",
    find: "(frozen.until === undefined || now < frozen.until)",
    replace: "(frozen.until === undefined || now !== frozen.until)",
  },
  {
    bug: "null leaves a field of a policy as it is",
    file: "src/domain/policy.ts",
    find: "if (value === null) delete merged[field];",
    replace: "if (value === null) continue;",
  },
  {
    bug: "where a reason is wanted, promotions pass without one",
    file: DECIDE,
    find: '!policy.requireReason || command.type === "RecordTraining" ||',
    replace: '!policy.requireReason || command.type === "RecordTraining" || command.type === "Promote" ||',
  },
];
