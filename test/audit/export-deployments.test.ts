import { expect, test } from "vitest";
import { z } from "zod";
import type { Ledger } from "../../src/api/ledger.ts";
import { type Deployment, exportDeployments, openLedger } from "../../src/index.ts";

const project = 'Digits (!), "2"\n=1+1';
const project2 = project.replace("\n", " ");

async function withHistory(): Promise<Ledger> {
  const ledger = await openLedger("memory:", { actor: "ann" });
  const training = { project: project2, task: "classification", algorithm: "svm" } as const;
  await ledger.recordTraining({ ...training, metrics: { f1: -0.5 }, artifact: { uri: "s3://1", digest: "sha256:1" } });
  await ledger.recordTraining({ ...training, metrics: { f1: 0.9 }, reason: "=cmd()" });
  await ledger.rollback({ project: project2, reason: 'two\nlines, "quoted"', deployedAt: "2026-01-01T00:00:00Z" });
  return ledger;
}

async function textOf(chunks: AsyncIterable<string>): Promise<string> {
  const all: string[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all.join("");
}

const linesOf = (text: string): readonly object[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("NDJSON is the rows, one a line, revisions as decimal text", async () => {
  await using ledger = await withHistory();
  const rows = await ledger.deployments();
  const text = await textOf(exportDeployments(ledger.deployments(), "ndjson"));
  expect(linesOf(text)).toEqual(rows.map((row) => ({ ...row, revision: String(row.revision) })));
});

test("CSV has a header, quotes what needs it, and no cell that a spreadsheet would run", async () => {
  await using ledger = await withHistory();
  const text = await textOf(exportDeployments(ledger.deployments({ order: "asc" }), "csv"));
  const [header = "", first = "", second = ""] = text.split("\n");
  expect(header.split(",").slice(0, 7)).toEqual([
    ...["project", "environment", "number", "recordedAt", "deployedAt", "actor", "reason"],
  ]);
  expect(first).toContain('"Digits (!), ""2"" =1+1",production,1,');
  expect(first).toContain(",f1,maximize,-0.5,"); // a number stays one
  expect(second).toContain(",'=cmd(),");
  expect(text).toContain('"two\nlines, ""quoted"""');
});

test.each(["=1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠A1"])(
  "a reason %j is text to a spreadsheet",
  async (reason) => {
    await using ledger = await openLedger("memory:");
    await ledger.recordTraining({ project: "D", task: "clustering", algorithm: "svm", metrics: {}, reason });
    const text = await textOf(exportDeployments(ledger.deployments(), "csv"));
    expect(text).toMatch(new RegExp(`,"?'${reason.replace("+", "\\+")}"?,`));
  },
);

test.each(["", "a b", "<ledger>", "%zz", "http://[", "ü"])("%j is no source of CloudEvents", async (source) => {
  await using ledger = await openLedger("memory:");
  const exported = () => exportDeployments(ledger.deployments(), "cloudevents", { source });
  expect(exported).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
});

test("without a row CSV is the header alone, the others are empty", async () => {
  await using ledger = await openLedger("memory:");
  expect((await textOf(exportDeployments(ledger.deployments(), "csv"))).split("\n")).toHaveLength(2);
  expect(await textOf(exportDeployments(ledger.deployments(), "cloudevents"))).toBe("");
});

/** CloudEvents 1.0 in JSON, around a CDEvent 0.5.1 about a service: what their schemas demand, nothing more. */
const CloudEvent = z.strictObject({
  specversion: z.literal("1.0"),
  id: z.uuid(),
  source: z.string().min(1),
  type: z.string().regex(/^dev\.cdevents\.service\.(deployed|upgraded|rolledback)\.0\.3\.0$/),
  subject: z.string().min(1),
  time: z.iso.datetime(),
  datacontenttype: z.literal("application/json"),
  data: z.strictObject({
    context: z.strictObject({
      specversion: z.literal("0.5.1"),
      id: z.string().min(1),
      source: z.string().min(1),
      type: z.string(),
      timestamp: z.iso.datetime(),
    }),
    subject: z.strictObject({
      id: z.string().min(1),
      content: z.strictObject({
        environment: z.strictObject({ id: z.string().min(1) }),
        artifactId: z.string().regex(/^pkg:generic\/(?:[\w.~-]|%[\dA-F]{2})+@\d+\?model_id=[\da-f-]{36}$/),
      }),
    }),
    customData: z.object({ number: z.int(), recordedAt: z.iso.datetime() }),
    customDataContentType: z.literal("application/json"),
  }),
});

test("CloudEvents say deployed, then upgraded, then rolledback, and the two halves agree", async () => {
  await using ledger = await withHistory();
  const rows = ledger.deployments({ order: "asc" });
  const events = linesOf(await textOf(exportDeployments(rows, "cloudevents", { source: "https://l.example" }))).map(
    (event) => CloudEvent.parse(event),
  );
  expect(events.map(({ type }) => type.split(".")[3])).toEqual(["deployed", "upgraded", "rolledback"]);
  for (const { id, source, type, subject, time, data } of events) {
    expect(data.context).toMatchObject({ id, source, type, timestamp: time });
    expect([subject, source]).toEqual([project2, "https://l.example"]);
    expect(data.subject.id).toBe(subject);
  }
  expect(events[2]?.time).toBe("2026-01-01T00:00:00.000Z");
});

test.each(["ndjson", "csv", "cloudevents"] as const)(
  "%s is read row by row: whoever stops early ends the reading",
  async (format) => {
    await using ledger = await withHistory();
    const [row] = await ledger.deployments({ limit: 1 });
    let given = 0;
    let isEnded = false;
    async function* endless(): AsyncGenerator<Deployment> {
      try {
        for (; row && given < 100_000; given++) yield row;
      } finally {
        isEnded = true;
      }
    }
    for await (const _ of exportDeployments(endless(), format)) if (given > 0) break;
    await new Promise(setImmediate);
    expect(given).toBeLessThan(1_000);
    expect(isEnded).toBe(true);
  },
);

test.each(["ndjson", "csv", "cloudevents"] as const)("%s hands on what the reading fails with", async (format) => {
  await using ledger = await withHistory();
  const failing = ledger.deployments({ project: "nobody" });
  await expect(textOf(exportDeployments(failing, format))).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
});
