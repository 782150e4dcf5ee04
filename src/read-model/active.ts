import type { Database, Statement } from "better-sqlite3";
import { table } from "./schema.ts";
import { type ActiveRequest, rowText } from "./wire.ts";

export interface Active {
  active(request: ActiveRequest, positions: { readonly latestAt: string }): readonly string[];
}

const COLUMNS = [
  ...["s.project", "s.environment", "p.name", "d.deploymentId", "d.number", "m.modelId", "m.version", "f.algorithm"],
  ...["f.strategy", "d.deployedAt", "d.recordedAt", "f.actor", "r.text", "d.revision", "m.trainedAt", "p.task"],
];
const JSON_COLUMNS = ["m.metrics", "m.artifact", "p.policy"];

/**
 * What was active at a moment, by going straight to the last deployment of each environment before it. Recorded time
 * never goes back within an environment, so the last by time is the last in the log too.
 */
export function active(database: Database): Active {
  const deployments = table("deployments");
  const upTo = {
    now: "s.latest",
    recordedAt: `(SELECT seq FROM ${deployments} WHERE series = s.id AND recordedAt <= :time AND seq <= :seq
      ORDER BY recordedAt DESC, seq DESC LIMIT 1)`,
    deployedAt: `(SELECT seq FROM ${deployments} WHERE series = s.id AND deployedAt <= :time
      ORDER BY deployedAt DESC, seq DESC LIMIT 1)`,
  } as const;
  const statements = new Map<string, Statement<[object], string>>();

  function prepared(which: keyof typeof upTo, environment: string | undefined): Statement<[object], string> {
    const name = `${which} ${environment === undefined}`;
    const known = statements.get(name);
    if (known) return known;
    const sql = `
      SELECT ${rowText(which === "now" ? COLUMNS : [...COLUMNS, "d.score"], JSON_COLUMNS)}
      FROM ${table("series")} s JOIN ${deployments} d ON d.seq = ${upTo[which]}
        JOIN ${table("projects")} p ON p.id = s.project JOIN ${table("facets")} f ON f.id = d.facet
        JOIN ${table("models")} m ON m.id = d.model LEFT JOIN ${table("reasons")} r ON r.id = d.reason
      WHERE (s.project, s.environment) > (:afterProject, :afterEnvironment)
        ${environment === undefined ? "" : "AND s.environment = :environment"} AND m.metrics IS NOT NULL
      ORDER BY s.project, s.environment LIMIT :limit`;
    const made = database.prepare<[object], string>(sql).pluck() as Statement<[object], string>;
    statements.set(name, made);
    return made;
  }
  const lastSeq = database
    .prepare<[string], number>(`SELECT seq FROM ${deployments} WHERE position <= ? ORDER BY position DESC LIMIT 1`)
    .pluck() as Statement<[string], number>;

  return {
    active({ environment, time, position, by, afterProject, afterEnvironment, limit }, { latestAt }) {
      const page = { afterProject, afterEnvironment, limit, ...(environment !== undefined && { environment }) };
      if (position !== undefined) {
        const seq = lastSeq.get(position) ?? 0;
        return prepared("recordedAt", environment).all({ ...page, time: latestAt, seq });
      }
      if (time === undefined) return prepared("now", environment).all(page);
      const moment = by === "deployedAt" ? { time } : { time, seq: Number.MAX_SAFE_INTEGER };
      return prepared(by, environment).all({ ...page, ...moment });
    },
  };
}
