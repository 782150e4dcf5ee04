import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { serviceOn } from "./service.ts";

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

const file = new URL("../../ops/grafana-dashboard.json", import.meta.url);
const { panels, templating }: Dashboard = JSON.parse(readFileSync(file, "utf8"));
const queries = panels.flatMap(({ title, targets }) => targets.map((target) => ({ title, ...target })));

/** The names of the labels of each series that a busy service shows. */
async function series(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  await using service = await serviceOn();
  const { ask, ledger } = service;
  await ask("POST", "/v1/projects/Digits/models", { task: "classification", algorithm: "svm", metrics: { f1: 0.9 } });
  const stop = new AbortController();
  await ledger.subscriptions.run({ name: "mirror", signal: stop.signal, handle: async () => stop.abort() });
  const found = new Map<string, Set<string>>();
  for (const line of (await ask("GET", "/metrics")).text.split("\n")) {
    const [, name, labels = ""] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const known = found.get(name) ?? new Set(["job", "instance"]); // what Prometheus adds itself
    for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) known.add(label);
    found.set(name, known);
  }
  return found;
}

const METRIC = /\b(?:model_ledger|process|nodejs)_\w+/g;

test("every query of the dashboard asks for a metric, and labels of it, that the service shows", async () => {
  const known = await series();
  for (const { title, expr, legendFormat } of queries) {
    const names = expr.match(METRIC) ?? [];
    expect(names.length, `${title}: ${expr}`).toBeGreaterThan(0);
    const groups = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(/,\s*/));
    const matched = [...expr.matchAll(/[{,]\s*(\w+)(?:=|!)/g)].map(([, label = ""]) => label);
    const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
    for (const name of names) {
      expect(known.has(name), `${title}: ${name}`).toBe(true);
      for (const label of [...groups, ...matched]) expect(known.get(name), `${title}: ${name}`).toContain(label);
    }
    for (const label of shown) expect(groups, `${title}: {{${label}}}`).toContain(label);
  }
});

test("its variables name metrics that the service shows, and its queries no variable that it lacks", async () => {
  const known = await series();
  for (const { definition = "" } of templating.list) {
    for (const name of definition.match(METRIC) ?? []) expect(known.has(name), name).toBe(true);
  }
  const variables = new Set(["__rate_interval", ...templating.list.map(({ name }) => name)]);
  for (const { expr } of queries) {
    for (const [, name = ""] of expr.matchAll(/\$(\w+)/g)) expect(variables, expr).toContain(name);
  }
});

test("no two panels have the same place or number", () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
});
