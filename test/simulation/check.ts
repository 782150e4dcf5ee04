import { createHash } from "node:crypto";
import { streamOf } from "../../src/events/names.ts";
import { recorded } from "../../src/events/stored.ts";
import type { RecordedEvent } from "../../src/index.ts";
import type { StoredEvent } from "../../src/store/event-store.ts";
import type { Attempt, History } from "./history.ts";
import { copyOf, type Group, type NaiveAnswer, ProjectLog } from "./truth.ts";
import type { World } from "./world.ts";

/** What must hold of every run, whatever went wrong in it. Gives a sentence for each thing that does not. */
export async function violationsOf(world: World): Promise<readonly string[]> {
  const stored: StoredEvent[] = [];
  for await (const event of world.server.memory.readAll()) stored.push(event);
  return violationsIn(stored, world.history, world.projects);
}

/** The same for a log that came to be in any way: what was told to those outside is held against it. */
export function violationsIn(
  stored: readonly StoredEvent[],
  { attempts, observations, violations: seen }: History,
  projects: readonly string[],
): readonly string[] {
  const events = stored.map(recorded);
  const byCall = new Map(attempts.map((attempt) => [attempt.call, attempt]));
  const violations = [...seen, ...brokenChains(stored)];
  for (const project of projects) {
    const ofProject = events.filter(({ stream }) => stream === streamOf(project));
    const log = new ProjectLog(project, ofProject, byCall);
    const own = attempts.filter(({ order }) => order.project === project);
    violations.push(...log.violations, ...brokenOrder(ofProject), ...brokenAnswers(log, own));
    for (const { what, from, to, holds } of observations.filter((one) => one.project === project)) {
      if (!somewhere(from, to, (count) => holds(log, count))) {
        violations.push(`${project}: "${what}" is wrong at every state between ${from} and ${to} events`);
      }
    }
  }
  return violations;
}

function somewhere(from: number, to: number, holds: (events: number) => boolean): boolean {
  for (let events = from; events <= to; events++) if (holds(events)) return true;
  return false;
}

function brokenOrder(events: readonly RecordedEvent[]): readonly string[] {
  const violations: string[] = [];
  events.forEach((event, index) => {
    const before = events[index - 1];
    if (event.revision !== BigInt(index)) violations.push(`${event.stream}: revision ${event.revision} at ${index}`);
    if (before && event.recordedAt < before.recordedAt) {
      violations.push(`${event.stream}@${index}: time goes back from ${before.recordedAt} to ${event.recordedAt}`);
    }
    if (before && event.position <= before.position) violations.push(`${event.stream}@${index}: positions go back`);
  });
  return violations;
}

/** JSON with sorted keys, by hand: RFC 8785 for what the events hold. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${sortedJson(inner)}`).join(",")}}`;
}

/** CONTRACT §8, worked out from the text of the log alone. */
function brokenChains(stored: readonly StoredEvent[]): readonly string[] {
  const heads = new Map<string, Buffer>();
  const violations: string[] = [];
  for (const { stream, revision, type, data, metadata } of stored) {
    const { hash, ...rest } = JSON.parse(metadata) as { readonly hash: string };
    const text = sortedJson({ type, data: JSON.parse(data) as unknown, metadata: rest });
    const digest = createHash("sha256")
      .update(heads.get(stream) ?? Buffer.alloc(32))
      .update(text)
      .digest();
    if (digest.toString("hex") !== hash) violations.push(`${stream}@${revision}: its hash does not follow`);
    heads.set(stream, digest);
  }
  return violations;
}

/** Same input is the same command after defaults (CONTRACT §10): a rollback without steps is one of one step. */
function inputOf({ order: { step, expectedRevision, reason } }: Attempt): string {
  const isPlainRollback = step.do === "deploy" && step.strategy === "rollback" && step.toNumber === undefined;
  const asked = isPlainRollback ? { ...step, steps: step.steps ?? 1 } : step;
  return JSON.stringify([asked, String(expectedRevision), reason]);
}

/** Exactly once when acknowledged, at most once when not, and no answer that the log does not bear out. */
function brokenAnswers(log: ProjectLog, attempts: readonly Attempt[]): readonly string[] {
  const violations: string[] = [];
  const byCommand = new Map<string, Group[]>();
  for (const group of log.groups) byCommand.set(group.commandId, [...(byCommand.get(group.commandId) ?? []), group]);
  for (const [commandId, groups] of byCommand) {
    if (groups.length > 1) violations.push(`${log.project}: command ${commandId} is in the log ${groups.length} times`);
  }
  const byCall = new Map<string, Group[]>();
  for (const group of log.groups) byCall.set(group.call, [...(byCall.get(group.call) ?? []), group]);
  const writers = new Map(attempts.map((attempt) => [attempt.call, attempt]));
  for (const attempt of attempts) {
    const { commandId } = attempt.order;
    const own = byCall.get(attempt.call) ?? [];
    if (own.length > 1) violations.push(`${log.project}: attempt ${attempt.call} was written ${own.length} times`);
    const groups = commandId === undefined ? own : (byCommand.get(commandId) ?? []);
    const group = groups[0];
    const writer = group && writers.get(group.call);
    const why = brokenAnswer(log, attempt, group, writer);
    if (why !== undefined) violations.push(`${log.project}: attempt ${attempt.call} (${attempt.order.step.do}) ${why}`);
  }
  return violations;
}

function brokenAnswer(log: ProjectLog, attempt: Attempt, group: Group | undefined, writer: Attempt | undefined) {
  const { order, outcome, headBefore, headAfter } = attempt;
  const { expectedRevision } = order;
  if (group && writer === attempt) {
    if (order.dryRun) return "was a dry run, and wrote";
    if (group.first < headBefore) return "stands in the log before it was asked for";
    const expected = expectedRevision === "no_stream" ? 0n : (expectedRevision ?? 0n) + 1n;
    if (expectedRevision !== undefined && BigInt(group.first) !== expected) {
      return `expected ${expectedRevision} and stands at ${group.first}`;
    }
  }
  const isOther = writer !== undefined && inputOf(writer) !== inputOf(attempt);
  switch (outcome.kind) {
    case "unknown":
      return undefined;
    case "accepted":
      if (isOther) return "was accepted under the id of another command";
      return outcome.answer.changed
        ? brokenAcceptance(outcome.answer, group, headAfter)
        : brokenNothing(log, attempt, group);
    case "refused":
      if (isOther && outcome.code === "COMMAND_REUSED") return undefined;
      if (isOther && outcome.code !== "ABORTED") return `reused an id and was refused with ${outcome.code} instead`;
      return brokenRefusal(log, attempt, outcome.code, group);
  }
}

function brokenAcceptance(
  { revision, position, deployed, version }: Extract<Attempt["outcome"], { kind: "accepted" }>["answer"],
  group: Group | undefined,
  headAfter: number,
) {
  const last = group?.events.at(-1);
  if (last === undefined) return `was acknowledged at revision ${revision}, and is not in the log`;
  if (last.revision >= BigInt(headAfter)) return "was acknowledged before it was in the log";
  if (last.revision !== revision || last.position !== position) {
    return `was told revision ${revision} and position ${position}, but stands at ${last.revision} and ${last.position}`;
  }
  const event = group?.events.find((one) => one.type === "ModelDeployed");
  const there = event?.type === "ModelDeployed" ? event.data : undefined;
  const [told, logged] = [describeDeployment(deployed), describeDeployment(there)];
  if (told !== logged) return `was told ${told}, and the log says ${logged}`;
  const first = group?.events[0];
  if (version !== undefined && first && "version" in first.data && first.data.version !== version) {
    return `was told version ${version}, and the log says ${first.data.version}`;
  }
  return undefined;
}

/** A dry run, or a command that had nothing to do. */
function brokenNothing(log: ProjectLog, attempt: Attempt, group: Group | undefined) {
  const { order, headBefore, headAfter, outcome } = attempt;
  // Given twice at once, a command may have nothing to do here and something to do there, later.
  if (group && (group.call === attempt.call || group.first < headBefore)) {
    return "was told that nothing was written, and is in the log";
  }
  if (outcome.kind !== "accepted") return undefined;
  const { deployed } = outcome.answer;
  const isRight = somewhere(headBefore, headAfter, (events) =>
    isSaid(log, attempt, events, (said) => {
      if (order.step.do === "train" && deployed === undefined) return said === undefined;
      if (deployed === undefined) return said?.refused === undefined;
      const { environment, version, number } = deployed;
      return said?.version === version && said.number === number && said.environment === environment;
    }),
  );
  return isRight ? undefined : "tells of a state that the project was not in";
}

type Deployment = NonNullable<Extract<Attempt["outcome"], { kind: "accepted" }>["answer"]["deployed"]>;

const describeDeployment = (deployment: Deployment | undefined): string =>
  deployment === undefined
    ? "of no deployment"
    : `deployment ${deployment.number} of ${deployment.environment} (${deployment.deploymentId})`;

/**
 * Whether the contract says so to the order after so many events, at a time that the ledger's clock can have said. It
 * never goes back behind the log, and decides of a freeze alone: the earliest and the latest will do.
 */
function isSaid(
  log: ProjectLog,
  { order, clock }: Attempt,
  events: number,
  holds: (said: NaiveAnswer | undefined, exists: boolean) => boolean,
): boolean {
  const state = log.stateAt(events);
  if (state === undefined) return false;
  const hasReason = order.reason !== undefined;
  const last = log.events[events - 1]?.recordedAt ?? "";
  const isTimed = state.policy.frozen?.until !== undefined && clock.length > 0;
  const times = isTimed ? clock.map((time) => (time > last ? time : last)) : [last];
  return times.some((now) => holds(copyOf(state).take(order.step, { now, hasReason }), state.exists));
}

const isOfRefusal = (order: Attempt["order"], events: number): boolean =>
  order.expectedRevision !== undefined &&
  (order.expectedRevision === "no_stream" ? events > 0 : order.expectedRevision !== BigInt(events) - 1n);

function brokenRefusal(log: ProjectLog, attempt: Attempt, code: string, group: Group | undefined) {
  const { order, headBefore, headAfter } = attempt;
  if (code === "ABORTED") {
    if (order.abortAfterMs === undefined) return "was aborted by nobody";
    return group?.call === attempt.call ? "was told that it was aborted, and is in the log" : undefined;
  }
  if (group && (group.call === attempt.call || group.first < headBefore)) {
    return `was refused with ${code}, and is in the log at ${group.first}`;
  }
  // Given twice at once, a command may be refused here and accepted there, later.
  const last = group ? Math.min(headAfter, group.first) : headAfter;
  const isRight = somewhere(headBefore, last, (events) =>
    isSaid(log, attempt, events, (said, exists) => {
      if (!exists && said?.refused === "PROJECT_NOT_FOUND") return code === "PROJECT_NOT_FOUND";
      if (isOfRefusal(order, events)) return code === "CONFLICT";
      return said?.refused === code;
    }),
  );
  return isRight
    ? undefined
    : `was refused with ${code} between ${headBefore} and ${last} events, which is wrong at each`;
}
