import { isUtf8 } from "node:buffer";
import { createReadStream, readFileSync } from "node:fs";
import { link, mkdtemp, open, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { LedgerError } from "../errors.ts";

/** Files that commands read and write. */

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EEXIST: "it is there already",
  EISDIR: "it is a folder",
  EACCES: "this user may not",
};

/** No mistake of whoever named the file: the same command may do tomorrow. */
const NO_ROOM: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "this user may take no more of the disk",
  EIO: "the disk failed",
};

function unusable(what: string, path: string, cause: unknown): LedgerError {
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  const noRoom = NO_ROOM[code];
  if (noRoom !== undefined) {
    return new LedgerError("STORE_UNAVAILABLE", `"${path}" cannot be ${what}: ${noRoom}`, { file: path }, { cause });
  }
  const why = WHY[code] ?? code;
  return new LedgerError("INVALID_INPUT", `"${path}" cannot be ${what}: ${why}`, { path }, { cause });
}

const LINE_FEED = 0x0a;

/**
 * The lines of a file, without their line feeds, some of it in memory at a time. Only a line feed ends a line: JSON may
 * hold other separators as they are.
 * @throws {LedgerError} INVALID_INPUT when it cannot be read; CORRUPT, with the number of the line, where it is no UTF-8.
 */
export async function* linesOf(path: string): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let isBegun = false;
  let line = 0;
  try {
    for await (const chunk of reading(path) as AsyncIterable<Buffer>) {
      if (!isBegun && chunk.subarray(0, GZIP.length).equals(GZIP)) throw compressed(path);
      isBegun = true;
      const end = chunk.lastIndexOf(LINE_FEED);
      if (end === -1) {
        rest.push(chunk);
        continue;
      }
      const lines = linesIn(Buffer.concat([...rest, chunk.subarray(0, end)]), line);
      for (const text of lines) yield text;
      line += lines.length;
      rest = [chunk.subarray(end + 1)];
    }
  } catch (cause) {
    throw cause instanceof LedgerError ? cause : unusable("read", path, cause);
  }
  const last = Buffer.concat(rest);
  if (last.length > 0) yield* linesIn(last, line);
}

/** `before`: how many lines there were before these. */
function linesIn(bytes: Buffer, before: number): readonly string[] {
  if (!isUtf8(bytes)) throw noText(before + firstDamaged(bytes));
  return bytes.toString().split("\n");
}

/** The number of the first line that is no UTF-8, where one is; 1 for the first. */
function firstDamaged(bytes: Buffer): number {
  let line = 1;
  let from = 0;
  for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, from)) {
    if (!isUtf8(bytes.subarray(from, end))) break;
    line += 1;
    from = end + 1;
  }
  return line;
}

function noText(line: number): LedgerError {
  const why = "a byte of it is no UTF-8";
  return new LedgerError("CORRUPT", `line ${line} of the export is no event of a ledger: ${why}`, { line, why });
}

const GZIP = Buffer.from([0x1f, 0x8b]);

function compressed(path: string): LedgerError {
  const message = `"${path}" is compressed: give what gunzip makes of it, - reads that from a pipe`;
  return new LedgerError("INVALID_INPUT", message, { path });
}

const STANDARD_INPUT = "-";

const reading = (path: string): Readable =>
  path === STANDARD_INPUT ? process.stdin : createReadStream(path, { highWaterMark: 256 * 1024 });

/**
 * Does what needs a file more than once. What can be read only once, a pipe or `-` for standard input, is kept in a
 * temporary file meanwhile, which this user alone can read.
 * @throws {LedgerError} INVALID_INPUT when it cannot be read; whatever `act` throws.
 */
export async function withRereadable<Result>(path: string, act: (path: string) => Promise<Result>): Promise<Result> {
  const there = path === STANDARD_INPUT ? undefined : await stat(path).catch(() => undefined);
  if (path !== STANDARD_INPUT && (there === undefined || there.isFile() || there.isDirectory())) return act(path);
  const folder = await mkdtemp(join(tmpdir(), "model-ledger-"));
  const copy = join(folder, "export.ndjson");
  try {
    await writeFile(copy, reading(path)).catch((cause: unknown) => {
      throw unusable("read", path, cause);
    });
    return await act(copy);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A small file as text. @throws {LedgerError} INVALID_INPUT when it cannot be read, or is no UTF-8. */
export function readWhole(path: string): string {
  const text = readText(path);
  if (text === undefined) throw new LedgerError("INVALID_INPUT", `"${path}" is no text: it is not UTF-8`, { path });
  return text;
}

/** As {@link readWhole}; undefined for what is no UTF-8, which else would be read as if something else stood there. */
export function readText(path: string): string | undefined {
  try {
    const bytes = readFileSync(path);
    return isUtf8(bytes) ? bytes.toString() : undefined;
  } catch (cause) {
    throw unusable("read", path, cause);
  }
}

interface WriteOptions {
  readonly mode?: number;
  /** Whether a file of that name gives way to it, which it does unless this is false. */
  readonly replace?: boolean;
}

/**
 * Writes a file whole or not at all: beside its place, to the disk, and then under its name, where the one before it
 * stays until that moment. A link goes on leading there. A pipe or a device, `/dev/null` say, is written into.
 * @throws {LedgerError} INVALID_INPUT when it cannot be written; whatever `chunks` throws.
 */
export async function writeWhole(
  path: string,
  chunks: AsyncIterable<string> | Iterable<string>,
  { mode, replace = true }: WriteOptions = {},
): Promise<void> {
  const there = replace ? await stat(path).catch(() => undefined) : undefined;
  if (there && !there.isFile() && !there.isDirectory()) return writeInto(path, chunks);
  const place = there ? await realpath(path) : path;
  const partial = `${place}.${process.pid}.partial`;
  const handle = await open(partial, "wx", mode).catch((cause: unknown) => {
    throw unusable("written", path, cause);
  });
  try {
    for await (const chunk of chunks) await handle.writeFile(chunk);
    await handle.sync();
    await handle.close();
    if (replace) await rename(partial, place);
    else await linkAndForget(partial, place);
    await syncFolder(dirname(place));
  } catch (cause) {
    await handle.close().catch(() => undefined);
    await rm(partial, { force: true });
    throw isOfSystem(cause) ? unusable("written", path, cause) : cause;
  }
}

/** What is no file has no place that another could take. */
async function writeInto(path: string, chunks: AsyncIterable<string> | Iterable<string>): Promise<void> {
  try {
    await writeFile(path, chunks);
  } catch (cause) {
    throw isOfSystem(cause) ? unusable("written", path, cause) : cause;
  }
}

/** Unlike a rename it fails where the name is taken. */
async function linkAndForget(from: string, to: string): Promise<void> {
  await link(from, to);
  await rm(from);
}

const isOfSystem = (error: unknown): boolean => error instanceof Error && "syscall" in error;

/** The new name would survive a power cut too. Not every system lets a folder be synced. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
