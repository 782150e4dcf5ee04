import type { Database } from "better-sqlite3";
import type { RecordedEvent } from "../events/events.ts";
import { recorded } from "../events/stored.ts";
import { searchable } from "../ledger/searchable.ts";
import { numbering } from "./numbering.ts";
import { table } from "./schema.ts";
import { type Cell, type Checkpoint, EVENT_CELLS } from "./wire.ts";

/** How far time has got over all deployments, and by how much a clock was ever behind it. */
export interface Progress {
  latestAt: string;
  skewMs: number;
}

/** Puts events into the tables, within a transaction that the caller has begun and will commit. */
export interface Intake {
  /** @returns the place of the last event. */
  take(ledger: string, events: readonly Cell[], progress: Progress): Checkpoint;
  /** What it remembers is wrong: the transaction was rolled back, or somebody else wrote. */
  forget(): void;
}

interface Project {
  readonly id: number;
  task: string | null;
  policy: string;
  models: number;
  retired: number;
  deployments: number;
  revision: number;
  recordedAt: string;
}

type Of<Type extends RecordedEvent["type"]> = Extract<RecordedEvent, { readonly type: Type }>;

/** After the first hyphen; `names.ts` knows it too, but would bring zod into the thread. */
const projectOf = (stream: string): string => stream.slice(stream.indexOf("-") + 1);

/** Then what is remembered is looked up again (some MiB at most). */
const MAX_REMEMBERED = 50_000;

export function intake(database: Database): Intake {
  const statement = (sql: string) => database.prepare(sql);
  const findProject = database.prepare<[string], Project>(
    `SELECT id, task, policy, models, retired, deployments, revision, recordedAt FROM ${table("projects")} WHERE name = ?`,
  );
  const addProject = statement(`INSERT INTO ${table("projects")} VALUES (NULL, ?, NULL, '{}', 0, 0, 0, -1, '')`);
  const saveProject = statement(
    `UPDATE ${table("projects")} SET task = ?, policy = ?, models = ?, retired = ?, deployments = ?, revision = ?,
     recordedAt = ? WHERE id = ?`,
  );
  const addModel = statement(
    `INSERT INTO ${table("models")} VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT DO UPDATE SET
     metrics = excluded.metrics, artifact = excluded.artifact, digest = excluded.digest, trainedAt = excluded.trainedAt`,
  );
  const retireModel = statement(
    `UPDATE ${table("models")} SET isRetired = ? WHERE modelId = ? AND project = ? AND isRetired <> ?`,
  );
  const setLatest = statement(`UPDATE ${table("series")} SET latest = ? WHERE id = ?`);
  const addDeployment = statement(
    `INSERT INTO ${table("deployments")} VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const indexReason = statement(`INSERT INTO ${table("reasonIndex")} (rowid, searchable) VALUES (?, ?)`);

  const models = numbering(database, "models", ["modelId", "project"], ["version"], [null, null, null, null, 0]);
  const series = numbering(database, "series", ["project", "environment"], [], [0]);
  const facets = numbering(database, "facets", ["environment", "actor", "strategy", "algorithm"], [], []);
  const lanes = numbering(database, "lanes", ["project", "facet"], [], []);
  const reasons = numbering(database, "reasons", ["text"], ["searchable"], []);
  const counted = [models, facets, lanes, reasons];

  const projects = new Map<string, Project>();
  const changed = new Set<Project>();
  const latestOf = new Map<number, number>();

  function projectNamed(name: string): Project {
    const known = projects.get(name) ?? findProject.get(name);
    if (known) {
      projects.set(name, known);
      return known;
    }
    const id = Number(addProject.run(name).lastInsertRowid);
    const made = { id, task: null, policy: "{}", models: 0, retired: 0, deployments: 0, revision: -1, recordedAt: "" };
    projects.set(name, made);
    return made;
  }

  function train({ data }: Of<"ModelTrained">, project: Project): void {
    const { modelId, version, metrics, artifact, trainedAt, task } = data;
    const kept = artifact === undefined ? null : JSON.stringify(artifact);
    addModel.run(modelId, project.id, version, JSON.stringify(metrics), kept, artifact?.digest ?? null, trainedAt);
    project.task ??= task;
    project.models = Math.max(project.models, version);
  }

  function deploy({ data, metadata, position, revision }: Of<"ModelDeployed">, project: Project, progress: Progress) {
    const { environment, deploymentId, number, modelId, version, algorithm, strategy, deployedAt } = data;
    const { algorithmFilter, replaces, replays, promotedFrom, decision } = data;
    const { actor, reason, recordedAt, commandId, correlationId, causationId } = metadata;
    const facet = facets.count([environment, actor, strategy, algorithm]);
    const lane = lanes.count([project.id, facet.id]);
    const model = models.count([modelId, project.id], [version]);
    const place = series.find([project.id, environment]);
    const why = reason === undefined ? undefined : reasons.count([reason], [searchable(reason)]);
    if (why?.isNew) indexReason.run(why.id, searchable(reason ?? ""));
    if (recordedAt > progress.latestAt) progress.latestAt = recordedAt;
    else if (recordedAt < progress.latestAt) {
      progress.skewMs = Math.max(progress.skewMs, Date.parse(progress.latestAt) - Date.parse(recordedAt));
    }
    const rest = JSON.stringify({
      ...(algorithmFilter !== undefined && { algorithmFilter }),
      ...(replaces && { replaces }),
      ...(replays !== undefined && { replays }),
      ...(promotedFrom !== undefined && { promotedFrom }),
      ...{ decision, commandId, correlationId, causationId },
    });
    const { lastInsertRowid } = addDeployment.run(
      ...[position, place.id, lane.id, facet.id, model.id, why?.id ?? null, deploymentId, number, deployedAt],
      ...[recordedAt, progress.latestAt, Number(revision), decision.score, rest],
    );
    latestOf.set(place.id, Number(lastInsertRowid));
    project.deployments += 1;
  }

  function retire({ data }: Of<"ModelRetired" | "ModelReinstated">, isRetired: 0 | 1, project: Project): void {
    const { changes } = retireModel.run(isRetired, data.modelId, project.id, isRetired);
    project.retired += changes === 0 ? 0 : isRetired === 1 ? 1 : -1;
  }

  function takeOne(event: RecordedEvent, progress: Progress): void {
    const project = projectNamed(projectOf(event.stream));
    project.revision = Number(event.revision);
    project.recordedAt = event.recordedAt;
    changed.add(project);
    switch (event.type) {
      case "ModelTrained":
        train(event, project);
        break;
      case "ModelDeployed":
        deploy(event, project, progress);
        break;
      case "ModelRetired":
        retire(event, 1, project);
        break;
      case "ModelReinstated":
        retire(event, 0, project);
        break;
      case "PolicySet":
        project.policy = JSON.stringify(event.data.policy);
    }
  }

  function save(): void {
    for (const { id, task, policy, models: trained, retired, deployments, revision, recordedAt } of changed) {
      saveProject.run(task, policy, trained, retired, deployments, revision, recordedAt, id);
    }
    changed.clear();
    for (const [id, seq] of latestOf) setLatest.run(seq, id);
    latestOf.clear();
    for (const numbers of counted) numbers.save();
    if (projects.size > MAX_REMEMBERED) projects.clear();
  }

  return {
    take(ledger, events, progress) {
      let last: Checkpoint | undefined;
      for (let at = 0; at < events.length; at += EVENT_CELLS) {
        const [position, stream, revision, id, type, data, metadata] = events.slice(at, at + EVENT_CELLS) as [
          ...[position: string, stream: string, revision: number, id: string, type: string],
          ...[data: string, metadata: string],
        ];
        takeOne(recorded({ position, stream, revision: BigInt(revision), id, type, data, metadata }), progress);
        last = { ledger, position, stream, revision, event: id };
      }
      save();
      if (last === undefined) throw new RangeError("there was nothing to take in");
      return last;
    },
    forget() {
      projects.clear();
      changed.clear();
      latestOf.clear();
      for (const numbers of [...counted, series]) numbers.forget();
    },
  };
}
