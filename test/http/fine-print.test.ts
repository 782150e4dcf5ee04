import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { httpApp } from "../../src/http/app.ts";
import { openLedger } from "../../src/open-ledger.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { type Answer, type Ask, serviceOn } from "./service.ts";

/** CONTRACT §9 and §10, row by row. */
let service: Awaited<ReturnType<typeof serviceOn>>;
let ask: Ask;
const project = "/v1/projects/Digits";
const training = { task: "classification", algorithm: "svm", metrics: { f1: 0.9 } };

/** Three models, of which version 2 is active at revision 5 after three deployments. */
async function filled(target: Ask): Promise<void> {
  const artifact = { uri: "s3://models/1", digest: "sha256:aa" };
  await target("POST", `${project}/models`, { ...training, artifact, reason: "Nightly RUN" });
  await target("POST", `${project}/models`, { ...training, metrics: { f1: 0.95 } });
  await target("POST", `${project}/models`, { ...training, metrics: { f1: 0.3 } });
  await target("POST", `${project}/deployments`, { strategy: "best_score" });
}

beforeAll(async () => {
  service = await serviceOn({ rate: false });
  ask = service.ask;
  await filled(ask);
});
afterAll(() => service[Symbol.asyncDispose]());

const outcome = ({ status, body }: Answer) => (status < 400 ? `${status}` : `${status} ${body.code}`);

describe("commands", () => {
  const dry = { dryRun: true };
  test.each([
    ["null", undefined, "400 INVALID_INPUT"],
    ["7", undefined, "400 INVALID_INPUT"],
    ['"deploy"', undefined, "400 INVALID_INPUT"],
    ["[]", undefined, "400 INVALID_INPUT"],
    ["{", undefined, "400 INVALID_INPUT"],
    ['{"dryRun":true}x', undefined, "400 INVALID_INPUT"],
    ['{"__proto__":{"dryRun":true}}', undefined, "400 INVALID_INPUT"],
    ['{"dryRun":true,"dryRun":true}', undefined, "400 INVALID_INPUT"],
    ['{"dryRun":true,"\\u0064ryRun":false}', undefined, "400 INVALID_INPUT"],
    ['{"dryRun":"true"}', undefined, "400 INVALID_INPUT"],
    [dry, { "if-match": '"5"' }, "200"],
    [dry, { "if-match": ' "5" ' }, "200"],
    [dry, { "if-match": '"4"' }, "412 CONFLICT"],
    [dry, { "if-match": '"6"' }, "412 CONFLICT"],
    [{ dryRun: true, model: 99 }, { "if-match": '"4"' }, "412 CONFLICT"],
    [{ dryRun: true, model: 99 }, { "if-match": '"5"' }, "404 MODEL_NOT_FOUND"],
    [{ dryRun: true, expectedRevision: 4 }, {}, "409 CONFLICT"],
    [{ dryRun: true, expectedRevision: 5 }, { "if-match": '"5"' }, "200"],
    [{ dryRun: true, expectedRevision: 4 }, { "if-match": '"5"' }, "400 INVALID_INPUT"],
    [dry, { "if-match": 'W/"5"' }, "400 INVALID_INPUT"],
    [dry, { "if-match": "*" }, "400 INVALID_INPUT"],
    [dry, { "if-match": "5" }, "400 INVALID_INPUT"],
    [dry, { "if-match": '"5", "6"' }, "400 INVALID_INPUT"],
    [dry, { "if-match": '"five"' }, "400 INVALID_INPUT"],
    [dry, { "if-match": '""' }, "400 INVALID_INPUT"],
    [dry, { "if-none-match": "*" }, "409 CONFLICT"],
    [dry, { "if-none-match": '"5"' }, "400 INVALID_INPUT"],
    [dry, { "idempotency-key": "" }, "400 INVALID_INPUT"],
    [dry, { "idempotency-key": "x".repeat(201) }, "400 INVALID_INPUT"],
    [dry, { "content-type": "application/json; charset=utf-8" }, "200"],
    [dry, { "content-type": "application/x-www-form-urlencoded" }, "415 UNSUPPORTED_MEDIA_TYPE"],
    [dry, { "content-type": "application/merge-patch+json" }, "415 UNSUPPORTED_MEDIA_TYPE"],
  ])("deploy %j with %j: %s", async (body, headers, expected) => {
    expect(outcome(await ask("POST", `${project}/deployments`, body, headers))).toBe(expected);
  });

  test("a body in which an object says a name twice is refused, and its key stays free", async () => {
    await using other = await serviceOn();
    const key = { "idempotency-key": "once" };
    const send = (metrics: string) =>
      other.ask("POST", `${project}/models`, `{"task":"regression","algorithm":"a","metrics":${metrics}}`, key);
    const refused = await send('{"r2":0.5,"r2":0.9}');
    expect([outcome(refused), refused.body.detail]).toEqual(["400 INVALID_INPUT", expect.stringContaining("RFC 7493")]);
    expect(outcome(await send('{"r2":0.9}'))).toBe("201");
  });

  test("names that the platform's own parser mistakes arrive as they were written", async () => {
    await using other = await serviceOn();
    const trained = (hyperparams: string) =>
      other.ask(
        "POST",
        `${project}/models`,
        `{"task":"regression","algorithm":"a","metrics":{},"hyperparams":${hyperparams}}`,
      );
    await trained('{"\\\\":1}');
    await trained('{"\\"":1}');
    await trained('{"constructor":{"prototype":2}}');
    const { items } = (await other.ask("GET", `${project}/models`)).body;
    const names = items.map(({ hyperparams }: { hyperparams: object }) => Object.keys(hyperparams));
    expect(names).toEqual([["\\"], ['"'], ["constructor"]]);
  });

  test("a reinstatement says its reason in the query or in a body", async () => {
    await using other = await serviceOn();
    await filled(other.ask);
    const path = `${project}/models/3/retirement`;
    const reasons = [];
    for (const [url, body] of [[`${path}?reason=mended`], [path, { reason: "mended too" }]] as const) {
      await other.ask("POST", path, { reason: "leaked" });
      expect(outcome(await other.ask("DELETE", url, body))).toBe("200");
    }
    for await (const { type, metadata } of other.ledger.subscribe({ signal: AbortSignal.timeout(60_000) })) {
      if (type === "ModelReinstated") reasons.push(metadata.reason);
      if (reasons.length === 2) break;
    }
    expect(reasons).toEqual(["mended", "mended too"]);
    expect(outcome(await other.ask("DELETE", `${path}?reason=a&reason=b`))).toBe("400 INVALID_INPUT");
  });
});

describe("questions", () => {
  test.each([
    ["limit=1000", "200"],
    ["limit=1001", "400 INVALID_INPUT"],
    ["limit=0", "400 INVALID_INPUT"],
    ["limit=-1", "400 INVALID_INPUT"],
    ["limit=1e2", "400 INVALID_INPUT"],
    ["limit=", "400 INVALID_INPUT"],
    ["limit=1&limit=1", "400 INVALID_INPUT"],
    ["cursor=", "400 INVALID_INPUT"],
    ["cursor=abc", "400 INVALID_INPUT"],
    ["unknown=1", "400 INVALID_INPUT"],
    ["__proto__=1", "400 INVALID_INPUT"],
    ["min_position=", "400 INVALID_INPUT"],
    ["min_position=zz", "400 INVALID_INPUT"],
    ["order=up", "400 INVALID_INPUT"],
    ["from=yesterday", "400 INVALID_INPUT"],
    ["from=2026-02-02&to=2026-01-01", "400 INVALID_INPUT"],
    ["strategy=new_score", "200"],
    ["strategy=newest", "400 INVALID_INPUT"],
    ["environment=Prod", "400 INVALID_INPUT"],
    ["project=", "400 INVALID_INPUT"],
    ["project=Nope", "404 PROJECT_NOT_FOUND"],
    ["model=1", "400 INVALID_INPUT"],
    ["model=1&project=Digits", "200"],
    ["model=99&project=Digits", "404 MODEL_NOT_FOUND"],
    ["reason=", "400 INVALID_INPUT"],
    ["artifactDigest=", "400 INVALID_INPUT"],
  ])("/v1/deployments?%s: %s", async (query, expected) => {
    expect(outcome(await ask("GET", `/v1/deployments?${query}`))).toBe(expected);
  });

  test.each([
    ["reason=nightly%20r", [1]],
    ["artifactDigest=sha256:aa", [1]],
    ["artifactDigest=sha256:bb", []],
    ["strategy=best_score&algorithm=svm", [3]],
    ["order=asc&limit=2", [1, 2]],
  ])("/v1/deployments?%s finds numbers %j", async (query, numbers) => {
    const { items } = (await ask("GET", `/v1/deployments?${query}`)).body;
    expect(items.map(({ number }: { number: number }) => number)).toEqual(numbers);
  });

  test.each([
    ["at=0", "404 NO_ACTIVE_MODEL"],
    ["at=1", "200"],
    ["at=revision:1", "200"],
    ["at=revision:", "400 INVALID_INPUT"],
    ["at=revision:0x1", "400 INVALID_INPUT"],
    ["at=revision:1e0", "400 INVALID_INPUT"],
    ["at=revision:%201", "400 INVALID_INPUT"],
    ["at=0000000000000002", "200"],
    ["at=position:0000000000000002", "200"],
    ["at=", "400 INVALID_INPUT"],
    ["at=-1", "400 INVALID_INPUT"],
    ["at=zz", "400 INVALID_INPUT"],
    ["at=position:zz", "400 INVALID_INPUT"],
    ["at=2026-13-01", "400 INVALID_INPUT"],
    ["at=2026-01-01T00:00:00", "400 INVALID_INPUT"],
    ["at=2001-01-01T00:00:00%2B02:00", "404 NO_ACTIVE_MODEL"],
    ["at=2999-01-01", "200"],
    ["environment=staging", "404 NO_ACTIVE_MODEL"],
    ["environment=", "400 INVALID_INPUT"],
    ["environment=a&environment=b", "400 INVALID_INPUT"],
    ["by=deployedAt", "400 INVALID_INPUT"],
  ])("…/active?%s: %s", async (query, expected) => {
    expect(outcome(await ask("GET", `${project}/active?${query}`))).toBe(expected);
    if (query.startsWith("at=zz")) expect(outcome(await ask("GET", `/v1/active?${query}`))).toBe(expected);
  });

  test.each([
    ["A%2FB", "A/B"],
    ["A%2fB", "A/B"],
    ["%20x%20", "x"],
    ["e%CC%81", "é"],
    ["%5C", "\\"],
    ["50%25", "50%"],
    ["a+b", "a+b"],
    ["%20..", ".."],
    ["🎉".repeat(200), "🎉".repeat(200)],
  ])("the project at /v1/projects/%s is %j", async (path, name) => {
    const { status, body } = await ask(
      "GET",
      `/v1/projects/${encodeURI(decodeURI(path)).replace(/%25(?=2F|2f|20|5C|25)/g, "%")}`,
    );
    expect([status, body.details.project]).toEqual([404, name]);
  });

  test.each(["%00", "%09", "%7F", "%20", "a".repeat(201), "a%", "%ED%A0%80", ""])(
    "no project is at /v1/projects/%s",
    async (path) => {
      expect(outcome(await ask("GET", `/v1/projects/${path}`))).toBe("400 INVALID_INPUT");
    },
  );

  test.each([
    ["application/json", "application/json"],
    ["*/*", "application/json"],
    ["", "application/json"],
    ["text/html,application/xhtml+xml,*/*;q=0.8", "application/json"],
    ["text/csv", "text/csv"],
    ["text/csv;q=0.5, application/json", "application/json"],
    ["text/csv, application/json;q=0.2", "text/csv"],
    ["application/json;q=0, text/csv;q=0.1", "text/csv"],
    ["application/x-ndjson;q=0.9, text/csv;q=0.8", "application/x-ndjson"],
  ])("Accept: %s gives %s", async (accept, type) => {
    const { headers } = await ask("GET", "/v1/deployments", undefined, { accept });
    expect(headers["content-type"]).toBe(`${type}; charset=utf-8`);
    expect(headers.vary).toContain("accept");
  });

  test.each([
    ["DELETE", project, "GET, HEAD"],
    ["PATCH", `${project}/models`, "GET, HEAD, POST"],
    ["POST", `${project}/models/1/retirement/`, undefined],
    ["PUT", `${project}/models/1/retirement`, "DELETE, POST"],
    ["POST", "/healthz", "GET, HEAD"],
    ["POST", `${project}/nothing`, undefined],
  ] as const)("%s %s is not there, but %s is", async (method, url, allow) => {
    const answer = await ask(method, url, {});
    expect(answer.headers.allow).toBe(allow);
    expect(outcome(answer)).toBe(allow === undefined ? "404 NOT_FOUND" : "405 METHOD_NOT_ALLOWED");
  });

  test.each(["/healthz", "/v1/deployments", `${project}/active`, "/v1/events"])(
    "HEAD %s is GET without its body",
    async (url) => {
      const { statusCode, body } = await service.app.inject({ method: "HEAD", url });
      expect([statusCode, body]).toEqual([200, ""]);
    },
  );

  test("a position that is never reached is waited for, then said", { timeout: 60_000 }, async () => {
    const url = await service.app.listen({ port: 0, host: "127.0.0.1" });
    const answer = await fetch(`${url}${project}/active?min_position=${"9".repeat(16)}`);
    const detail = expect.stringMatching(/^the ledger has not reached position 9{16} after 10 s, it is at \d{16}: /);
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: "STORE_UNAVAILABLE", detail }]);
    expect(answer.headers.get("retry-after")).toBe("1");
  });
});

describe("cursors", () => {
  test("what a query says after a second question mark is of the list too, and in the link to its next page", async () => {
    await using other = await serviceOn();
    await filled(other.ask);
    for (const actor of ["alice", "bob"]) {
      const reason = { reason: "but why? is it better?", actor };
      for (let n = 0; n < 2; n++) await other.ask("POST", `${project}/deployments`, { model: 1, ...reason });
    }
    const list = "/v1/deployments?reason=why?&actor=bob&limit=1";
    const { headers, body } = await other.ask("GET", list);
    const [, link = ""] = /^<(.+)>; rel="next"$/.exec(String(headers.link)) ?? [];
    const { items, next: last } = (await other.ask("GET", link)).body;
    expect([...body.items, ...items].map(({ actor }) => actor)).toEqual(["bob", "bob"]);
    expect(last).toBeUndefined();
    const ofAlice = await other.ask("GET", `${list.replace("bob", "alice")}&cursor=${body.next}`);
    expect(outcome(ofAlice)).toBe("400 INVALID_INPUT");
  });

  const next = async (url: string): Promise<string> => (await ask("GET", url)).body.next;

  test("one that was edited, or is another list's, is refused", async () => {
    const models = `${project}/models?limit=1`;
    const cursor = await next(models);
    expect(outcome(await ask("GET", `${project}/models?limit=2&cursor=${cursor}`))).toBe("200");
    const others = [
      `${models}&cursor=${cursor}x`,
      `${models}&cursor=${cursor}%3D`,
      `${models}&cursor=${cursor.slice(0, -1)}`,
      `${models}&cursor=${Buffer.from("[1]").toString("base64url")}`,
      `${models}&algorithm=svm&cursor=${cursor}`,
      `/v1/projects/Other/models?cursor=${cursor}`,
      `${project}/deployments?cursor=${cursor}`,
      `/v1/deployments?cursor=${await next(`${project}/deployments?limit=1`)}`,
      `/v1/deployments?order=asc&cursor=${await next("/v1/deployments?limit=1")}`,
    ];
    for (const url of others) expect([url, outcome(await ask("GET", url))]).toEqual([url, "400 INVALID_INPUT"]);
  });

  test("what is recorded between two pages neither repeats nor hides a row", async () => {
    await using other = await serviceOn();
    const trained = (f1: number) => other.ask("POST", `${project}/models`, { ...training, metrics: { f1 } });
    const deployed = (environment: string) => other.ask("POST", `${project}/deployments`, { model: 1, environment });
    for (const f1 of [0.5, 0.4, 0.3, 0.2]) await trained(f1);
    for (const environment of ["b", "d"]) await deployed(environment);
    const first = async (list: string) => {
      const { items, next: cursor } = (await other.ask("GET", `${list}limit=2`)).body;
      return { list, items, cursor };
    };
    const lists = [
      `${project}/leaderboard?`,
      `${project}/timeline?environment=b&`,
      "/v1/active?",
      `${project}/models?`,
    ];
    for (let n = 0; n < 3; n++) await deployed("b");
    const begun = await Promise.all(lists.map(first));
    await trained(0.9); // the best of all, and active in production
    await deployed("a");
    await deployed("b");
    const keys = [];
    for (const { list, items, cursor } of begun) {
      const rest = (await other.ask("GET", `${list}limit=9&cursor=${cursor}`)).body.items;
      keys.push([...items, ...rest].map((row) => row.environment ?? row.deployment?.number ?? row.version));
    }
    expect(keys).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4, 5],
      ["b", "d", "production"],
      [1, 2, 3, 4, 5],
    ]);
  });
});

test("projects called . and .. are reached by the library too", async () => {
  const ledger = new LocalLedger(memoryEventStore());
  const app = await httpApp(ledger);
  const remote = await openLedger(await app.listen({ port: 0, host: "127.0.0.1" }));
  for (const name of [".", "..", "...", "a/../b"]) {
    await remote.recordTraining({ project: name, ...training });
    expect((await remote.activeModel(name))?.project).toBe(name);
  }
  await remote.close();
  await app.close();
});
