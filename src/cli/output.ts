import { once } from "node:events";
import Table from "cli-table3";
import { createColors } from "picocolors";

type TableOptions = NonNullable<ConstructorParameters<typeof Table>[0]>;

/** Where the program writes: the two streams, and whether a person sits there. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: "right";
  /** The value that --quiet prints of each row; the first column's unless one says so. */
  readonly isEssential?: true;
}

interface Style {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
}

/** Revisions are bigints here and decimal strings in JSON. What would change a terminal is escaped. */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));
  return json.replace(UNPRINTABLE, (character) => character.split("").map(escaped).join(""));
}

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** A terminal that can draw: Emacs and the like call theirs "dumb", and show control sequences as they are. */
export const isScreen = ({ isTTY }: { readonly isTTY?: boolean }): boolean =>
  isTTY === true && process.env.TERM !== "dumb";

/** Tables and sentences for people, NDJSON for programs. Results go to stdout, everything else to stderr. */
export class Output {
  readonly style: Style;
  readonly colors: ReturnType<typeof createColors>;
  readonly #streams: Streams;

  constructor(streams: Streams, style: Style) {
    this.#streams = streams;
    this.style = style;
    this.colors = createColors(style.color && this.isTerminal && !process.env.NO_COLOR);
  }

  get isTerminal(): boolean {
    return isScreen(this.#streams.stdout);
  }

  get stderr(): Streams["stderr"] {
    return this.#streams.stderr;
  }

  line(text: string): void {
    this.#streams.stdout.write(`${text}\n`);
  }

  /** As it is, to the letter. */
  text(text: string): void {
    this.#streams.stdout.write(text);
  }

  /** Many lines, no faster than they are read. */
  async lines(lines: AsyncIterable<string>): Promise<void> {
    const { stdout } = this.#streams;
    for await (const chunk of inChunks(lines)) {
      if (!stdout.write(chunk)) await once(stdout, "drain");
    }
  }

  /** One line for people, whatever the names and reasons in it hold. */
  say(text: string): void {
    this.line(printable(text));
  }

  /** For people who watch; not part of the result. */
  aside(text: string): void {
    if (!this.style.quiet && !this.style.json) this.#streams.stderr.write(`${printable(text)}\n`);
  }

  json(value: unknown): void {
    this.line(toJson(value));
  }

  /** One result: as JSON, or only its essential value, or as people read it. */
  result(value: object, essential: string | number, forPeople: () => void): void {
    if (this.style.json) this.json(value);
    else if (this.style.quiet) this.line(String(essential));
    else forPeople();
  }

  /** Text as it comes, no faster than it is taken. */
  async stream(chunks: AsyncIterable<string>): Promise<void> {
    const { stdout } = this.#streams;
    for await (const chunk of chunks) if (!stdout.write(chunk)) await once(stdout, "drain");
  }

  /** A list: NDJSON or essential values a row at a time, or a table of all. */
  async list<Row>(
    rows: AsyncIterable<Row> | Iterable<Row>,
    columns: readonly Column<Row>[],
    none: string,
  ): Promise<void> {
    const essential = columns.find((column) => column.isEssential) ?? columns[0];
    const shown: Row[] = [];
    for await (const row of rows) {
      if (this.style.json) this.json(row);
      else if (this.style.quiet) this.say(essential?.value(row) ?? "");
      else shown.push(row);
    }
    if (shown.length > 0) this.table(shown, columns);
    else if (!this.style.json && !this.style.quiet) this.aside(none);
  }

  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
    const text = this.isTerminal ? this.#boxed(cells, columns) : this.#drawn(cells, columns, UNBOXED);
    const lines = text.split("\n");
    this.line(lines.map((line) => line.trimEnd()).join("\n"));
  }

  /** Where it is wider than the terminal, the last column takes what is left and wraps. */
  #boxed<Row>(cells: readonly (readonly string[])[], columns: readonly Column<Row>[]): string {
    const wide = this.#drawn(cells, columns, BOXED);
    const [border = ""] = wide.split("\n", 1);
    const widths = border
      .slice(1, -1)
      .split("┬")
      .map(({ length }) => length);
    const [last = 0] = widths.splice(-1);
    const tooMuch = border.length - (this.#streams.stdout.columns ?? Number.POSITIVE_INFINITY);
    const left = Math.max(MIN_WRAPPED_WIDTH, last - tooMuch);
    if (tooMuch <= 0 || left >= last) return wide;
    const wrapped = cells.map((row) => [...row.slice(0, -1), breakable(row.at(-1) ?? "", left - PADDING)]);
    return this.#drawn(wrapped, columns, { ...BOXED, colWidths: [...widths, left], wordWrap: true });
  }

  #drawn<Row>(cells: readonly (readonly string[])[], columns: readonly Column<Row>[], options: TableOptions): string {
    const table = new Table({
      ...options,
      head: columns.map(({ title }) => this.colors.bold(title)),
      colAligns: columns.map((column) => column.align ?? "left"),
    });
    table.push(...cells.map((row) => [...row]));
    return table.toString();
  }
}

const BOXED: TableOptions = { style: { head: [], border: [], compact: true } };
const PADDING = 2;
const MIN_WRAPPED_WIDTH = 24;

/** Text whose words all fit into lines of `width`: a table cuts off what does not. What is not ASCII may take two places. */
function breakable(text: string, width: number): string {
  let broken = "";
  let used = 0;
  for (const character of text) {
    const places = /[ -~]/.test(character) ? 1 : 2;
    if (used + places > width) {
      broken += "\n";
      used = 0;
    }
    broken += character;
    used = /\s/.test(character) ? 0 : used + places;
  }
  return broken;
}

const CHUNK_LENGTH = 64 * 1024;

/** Lines put together, each with its line feed: one write for many. */
export async function* inChunks(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk = "";
  for await (const line of lines) {
    chunk += `${line}\n`;
    if (chunk.length < CHUNK_LENGTH) continue;
    yield chunk;
    chunk = "";
  }
  if (chunk !== "") yield chunk;
}

/** Columns held apart by two spaces, no box and no colour: for pipes and files. */
const NOTHING = Object.fromEntries(
  ["top", "bottom", "left", "mid", "right"].flatMap((side) =>
    ["", "-mid", "-left", "-right"].map((corner) => [`${side}${corner}`, ""]),
  ),
);
const UNBOXED: TableOptions = {
  chars: { ...NOTHING, middle: "  " },
  style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
};

const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** A name may hold what would move the cursor or colour the screen of whoever reads it. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => (character === "\n" ? " " : "\uFFFD"));
}
