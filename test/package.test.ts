import { readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DEMO_PACKAGES } from "../src/demo/optional-packages.ts";
import { TRACING_PACKAGES } from "../src/observability/export-traces.ts";

/** What package.json promises; that the packed package works as well is for `npm run check`. */
const file = (path: string) => new URL(`../${path}`, import.meta.url);
const json = (path: string) => JSON.parse(readFileSync(file(path), "utf8"));
const manifest = json("package.json");
const lockfile = json("package-lock.json");

describe("the package", () => {
  test("pins every dependency to one version", () => {
    const versions = Object.entries<string>({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.filter(([, version]) => !/^(\d+\.\d+\.\d+|file:tools\/.+)$/.test(version))).toEqual([]);
  });

  test("runs nothing when it is installed, and npm ci nothing of its dependencies", () => {
    const onInstall = ["preinstall", "install", "postinstall", "prepare"];
    expect(Object.keys(manifest.scripts).filter((name) => onInstall.includes(name))).toEqual([]);
    expect(readFileSync(file(".npmrc"), "utf8")).toMatch(/^ignore-scripts=true$/m);
  });

  test("needs no package of the demo or of tracing, and is in nobody's way who has another version of one", () => {
    const names = [...Object.keys(DEMO_PACKAGES), ...TRACING_PACKAGES].toSorted();
    expect(Object.keys(manifest.dependencies).filter((name) => names.includes(name))).toEqual([]);
    expect(manifest.peerDependencies).toEqual(Object.fromEntries(names.map((name) => [name, "*"])));
    expect(manifest.peerDependenciesMeta).toEqual(Object.fromEntries(names.map((name) => [name, { optional: true }])));
  });

  test("carries the Node of the repository for its developers only", () => {
    expect(manifest.devDependencies["pinned-node"]).toBe("file:tools/pinned-node");
    expect(manifest.dependencies["pinned-node"]).toBeUndefined();
    const nodes = Object.entries(lockfile.packages).filter(([path]) => path.startsWith("node_modules/node-linux-"));
    expect(nodes).toHaveLength(2);
    for (const [, node] of nodes) expect(node).toMatchObject({ version: "24.21.0", dev: true, optional: true });
  });

  test("is locked to contents, not to a registry", () => {
    const entries = Object.entries<{ resolved?: string; integrity?: string; link?: boolean }>(lockfile.packages);
    expect(entries.filter(([, { resolved }]) => resolved?.includes("://"))).toEqual([]);
    const installed = entries.filter(([path, { link }]) => path.startsWith("node_modules/") && !link);
    expect(installed.filter(([, { integrity }]) => !integrity).map(([path]) => path)).toEqual([]);
  });

  test("has a program that a shell can start", () => {
    const bin = file(manifest.bin["model-ledger"]);
    expect(statSync(bin).mode & 0o111).toBe(0o111);
    expect(readFileSync(bin, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
