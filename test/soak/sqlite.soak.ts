import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { LedgerError, openLedger } from "../../src/index.ts";
import { Random } from "../simulation/random.ts";
import { Crew, type Result } from "./crew.ts";

const folder = mkdtempSync(join(tmpdir(), "model-ledger-soak-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const random = new Random(Date.now(), "soak");
let files = 0;

function fresh(): string {
  files += 1;
  return `sqlite:${join(folder, `${files}.db`)}`;
}

function told(what: string, { violations, ...figures }: Result): void {
  console.log(
    `${what}: ${Object.entries(figures)
      .map(([name, value]) => `${value} ${name}`)
      .join(", ")}`,
  );
  expect(violations).toEqual([]);
}

test("SQLite: processes killed in mid-write lose nothing that was acknowledged, and write nothing twice", async () => {
  const crew = new Crew(fresh());
  for (let count = 0; count < 3; count++) crew.start();
  await crew.progress(20);
  for (let kills = 0; kills < 25; kills++) {
    await crew.progress(random.between(3, 12));
    await delay(random.between(0, 20));
    await crew.replace(random.pick(crew.names));
  }
  await crew.progress(20);
  told("25 × kill -9 among 3 processes", await crew.finish());
});

test("SQLite: processes that are stopped in mid-write hold the others up, and harm nobody", async () => {
  const crew = new Crew(fresh());
  for (let count = 0; count < 3; count++) crew.start();
  await crew.progress(20);
  for (let stops = 0; stops < 10; stops++) {
    const name = random.pick(crew.names);
    crew.signal(name, "SIGSTOP");
    await delay(random.between(100, 3_000));
    crew.signal(name, "SIGCONT");
    await delay(random.between(10, 300));
  }
  await crew.progress(20);
  told("10 × SIGSTOP among 3 processes", await crew.finish());
});

test("SQLite: a full disk refuses, keeps what was acknowledged, and is written to again when there is room", async ({
  skip,
}) => {
  const mount = join(folder, "small");
  mkdirSync(mount);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", mount], { stdio: "pipe" });
  } catch {
    skip("no file system of 4 MiB: mounting one needs root");
  }
  try {
    const crew = new Crew(`sqlite:${join(mount, "full.db")}`);
    for (let count = 0; count < 2; count++) crew.start();
    await crew.progress(20);
    const filler = join(mount, "filler");
    for (let times = 0; times < 5; times++) {
      fill(filler);
      await delay(1_500);
      rmSync(filler, { force: true });
      await crew.progress(10);
    }
    const result = await crew.finish();
    told("5 × disk full under 2 processes", result);
    expect(result.unknown).toBeGreaterThan(0);
  } finally {
    execFileSync("umount", ["-l", mount]);
  }
});

function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (let size = 65_536; size >= 512; ) {
      try {
        writeSync(file, Buffer.alloc(size));
      } catch {
        size /= 2;
      }
    }
  } finally {
    closeSync(file);
  }
}

test("SQLite: a file that became read-only refuses to be written, says why, and loses nothing", async ({ skip }) => {
  if (process.getuid?.() !== 0) skip("needs root, to start a process that may not write");
  const open = join(folder, "read-only");
  mkdirSync(open);
  chmodSync(folder, 0o755);
  const path = join(open, "ledger.db");
  const url = `sqlite:${path}`;
  const before = new Crew(url);
  before.start();
  await before.progress(20);
  told("before", await before.finish());
  const size = statSync(path).size;
  chmodSync(path, 0o444);
  const nobody = { uid: 65_534, gid: 65_534, encoding: "utf8" } as const;
  const script = `
    import { openLedger } from ${JSON.stringify(join(import.meta.dirname, "../../src/index.ts"))};
    const said = await openLedger(${JSON.stringify(url)})
      .then((ledger) => ledger.setPolicy({ project: "Digits", policy: { frozen: null } }))
      .catch((error) => error);
    console.log(said.code, said.message);
    process.exit();`;
  const said = execFileSync(process.execPath, ["--input-type=module-typescript", "-e", script], nobody);
  console.log(`a process that may not write is told: ${said.trim()}`);
  expect(said).toMatch(/^STORE_UNAVAILABLE .*read-only/);
  chmodSync(path, 0o644);
  expect(statSync(path).size).toBe(size);
  await using ledger = await openLedger(url);
  expect((await ledger.verify()).ok).toBe(true);
  expect(await ledger.setPolicy({ project: "Digits", policy: { frozen: null } })).toMatchObject({ project: "Digits" });
});

test("SQLite: damage to the file is noticed by a read or by verify, or touches nothing that the ledger says", async () => {
  const url = fresh();
  const path = url.slice("sqlite:".length);
  const crew = new Crew(url);
  for (let count = 0; count < 2; count++) crew.start();
  await crew.progress(200);
  told("before the damage", await crew.finish());
  const truth = await tell(url);
  const counts = { refusedToOpen: 0, noticedByARead: 0, noticedByVerify: 0, harmless: 0 };
  for (let times = 0; times < 120; times++) {
    const damaged = `${path}.damaged-${times}`;
    copyFileSync(path, damaged);
    damage(damaged);
    const found = await tell(`sqlite:${damaged}`);
    if (found.how === "told" && found.text === truth.text) counts.harmless += 1;
    else if (found.how === "told") throw new Error(`damage ${times} changed what the ledger says, and nobody noticed`);
    else counts[found.how] += 1;
    for (const suffix of ["", "-wal", "-shm"]) rmSync(damaged + suffix, { force: true });
  }
  console.log(`120 × a damaged page: ${JSON.stringify(counts)}`);
  expect(counts.noticedByARead + counts.noticedByVerify + counts.refusedToOpen).toBeGreaterThan(20);
});

/** Flips some bits of a page, or overwrites a piece of it with noise. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  const at = random.between(0, bytes.length - 64);
  const length = random.pick([1, 8, 64]);
  const noise = Buffer.from(Array.from({ length }, (_, index) => (bytes[at + index] ?? 0) ^ random.between(1, 255)));
  const file = openSync(path, "r+");
  writeSync(file, noise, 0, length, at);
  closeSync(file);
}

type Told =
  | { readonly how: "told"; readonly text: string }
  | { readonly how: "refusedToOpen" | "noticedByARead" | "noticedByVerify"; readonly text?: undefined };

/** All that a ledger says of itself. */
async function tell(url: string): Promise<Told> {
  let ledger: Awaited<ReturnType<typeof openLedger>>;
  try {
    ledger = await openLedger(url);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return { how: "refusedToOpen" };
  }
  try {
    if (!(await ledger.verify()).ok) return { how: "noticedByVerify" };
    const said: unknown[] = [];
    for (const project of ["Digits", "Irises"]) {
      said.push(await ledger.project(project), await ledger.models(project), await ledger.deployments({ project }));
    }
    return {
      how: "told",
      text: JSON.stringify(said, (_, value) => (typeof value === "bigint" ? String(value) : value)),
    };
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return { how: "noticedByARead" };
  } finally {
    await ledger.close().catch(() => undefined);
  }
}
