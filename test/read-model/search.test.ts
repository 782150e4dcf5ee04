import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { intake } from "../../src/read-model/intake.ts";
import { prepareTables } from "../../src/read-model/schema.ts";
import { search } from "../../src/read-model/search.ts";
import type { Cell, SearchRequest } from "../../src/read-model/wire.ts";
import { madeUpStore, positionOf, timeOf } from "../bench/made-up-log.ts";

const database = new Database(":memory:");
prepareTables(database);
const events: Cell[] = [];
for await (const event of madeUpStore({ projects: 20, deployments: 2_000 }).readAll()) {
  const { position, stream, revision, id, type, data, metadata } = event;
  events.push(position, stream, Number(revision), id, type, data, metadata);
}
intake(database).take("ledger", events, { latestAt: "", skewMs: 0 });

const REQUESTS: readonly Partial<SearchRequest>[] = [
  {},
  { actor: "ann" },
  { actor: "ann", strategy: "rollback" },
  { environment: "staging", algorithm: "svm" },
  { project: "Project 7", strategy: "rollback" },
  { reason: "weekly" },
  { reason: "ticket 1", actor: "bob" },
  { reason: "ti" },
  { artifactDigest: "sha256:7" },
  { from: timeOf(500), to: timeOf(900), actor: "ci" },
  { after: positionOf(1_000), strategy: "rollback" },
  { actor: "nobody" },
  { strategy: "rollback", reason: "weekly", from: timeOf(500) },
  { project: "Project 7", reason: "e", artifactDigest: "sha256:7" },
  { reason: "zebra" },
];

test("by an index or by columns, with numbers named or not, a search finds the same rows", () => {
  const all = search(database);
  const others = [search(database, 3), search(database, 0), search(database, 2_000, 0), search(database, 3, 0)];
  for (const request of REQUESTS) {
    for (const descending of [true, false]) {
      const asked = { limit: 37, ...request, descending };
      const found = all.search(asked, 0);
      for (const other of others) expect(other.search(asked, 0)).toEqual(found);
      const isNothing = request.actor === "nobody" || request.reason === "zebra";
      expect(found.length > 0).toBe(!isNothing);
    }
  }
});

test("a search to the last moment that can be written finds all, however far behind a clock was", () => {
  const all = search(database).search({ limit: 37, descending: true }, 0);
  for (const skewMs of [0, 1, 5_000, 86_400_000]) {
    const asked = { limit: 37, descending: true, to: "9999-12-31T23:59:59.999Z" };
    expect(search(database).search(asked, skewMs)).toEqual(all);
  }
});

test("a reason longer than what the index is asked for is searched to its end", () => {
  const letters = Array.from({ length: 500 }, (_, at) => String.fromCodePoint(0x4e00 + at)).join("");
  const own = new Database(":memory:");
  prepareTables(own);
  const told = [...events];
  const deployed = told.flatMap((cell, at) => (cell === "ModelDeployed" ? [at] : []));
  for (const [index, reason] of [`${letters}.`, `so ${letters}!`].entries()) {
    const metadata = (deployed[index] ?? Number.NaN) + 2;
    told[metadata] = JSON.stringify({ ...(JSON.parse(String(told[metadata])) as object), reason });
  }
  intake(own).take("ledger", told, { latestAt: "", skewMs: 0 });
  const count = (reason: string) => search(own).search({ limit: 37, descending: true, reason }, 0).length;
  expect([`${letters}.`, `${letters}!`, letters, `${letters}?`].map(count)).toEqual([1, 1, 2, 0]);
});

test("no search looks at all rows where an index leads to the few that fit", () => {
  const plan = (sql: string) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String((row as { readonly detail: string }).detail));
  for (const [condition, order] of [
    ["latestAt >= ''", "latestAt, seq"],
    ["latestAt < ''", "latestAt DESC, seq DESC"],
    ["position < ''", "position DESC"],
    ["lane = 1 AND seq BETWEEN 1 AND 9", "seq DESC"],
    ["facet = 1 AND seq BETWEEN 1 AND 9", "seq"],
    ["model = 1 AND seq BETWEEN 1 AND 9", "seq"],
    ["reason = 1 AND seq BETWEEN 1 AND 9", "seq DESC"],
    ["series = 1 AND recordedAt <= '' AND seq <= 9", "recordedAt DESC, seq DESC"],
    ["series = 1 AND deployedAt <= ''", "deployedAt DESC, seq DESC"],
  ]) {
    const steps = plan(`SELECT seq FROM v3_deployments WHERE ${condition} ORDER BY ${order} LIMIT 1`);
    expect(steps).toEqual([expect.stringMatching(/^SEARCH v3_deployments USING COVERING INDEX/)]);
  }
});
