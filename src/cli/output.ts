import Table from "cli-table3";
import { createColors } from "picocolors";

/** Where the program writes: the two streams, and whether a person sits there. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: "right";
}

interface Style {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
}

/** Revisions are bigints here and decimal strings in JSON. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));
}

/** Tables and sentences for people, NDJSON for programs. Results go to stdout, everything else to stderr. */
export class Output {
  readonly style: Style;
  readonly colors: ReturnType<typeof createColors>;
  readonly #streams: Streams;

  constructor(streams: Streams, style: Style) {
    this.#streams = streams;
    this.style = style;
    this.colors = createColors(style.color && streams.stdout.isTTY === true && process.env.NO_COLOR === undefined);
  }

  get isTerminal(): boolean {
    return this.#streams.stdout.isTTY === true;
  }

  get stderr(): Streams["stderr"] {
    return this.#streams.stderr;
  }

  line(text: string): void {
    this.#streams.stdout.write(`${text}\n`);
  }

  /** For people who watch; not part of the result. */
  aside(text: string): void {
    if (!this.style.quiet && !this.style.json) this.#streams.stderr.write(`${text}\n`);
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

  /** A list: NDJSON a row at a time, or a table of all. */
  async list<Row>(
    rows: AsyncIterable<Row> | Iterable<Row>,
    columns: readonly Column<Row>[],
    none: string,
  ): Promise<void> {
    const shown: Row[] = [];
    for await (const row of rows) {
      if (this.style.json) this.json(row);
      else shown.push(row);
    }
    if (this.style.json) return;
    if (shown.length === 0) this.aside(none);
    else this.table(shown, columns);
  }

  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
    const titles = columns.map((column) => column.title);
    this.line(this.isTerminal ? this.#boxed(titles, cells, columns) : plain([titles, ...cells], columns));
  }

  #boxed(titles: readonly string[], cells: readonly string[][], columns: readonly Column<never>[]): string {
    const table = new Table({
      head: titles.map((title) => this.colors.bold(title)),
      colAligns: columns.map((column) => column.align ?? "left"),
      style: { head: [], border: [], compact: true },
    });
    table.push(...cells.map((row) => [...row]));
    return table.toString();
  }
}

/** A name may hold what would move the cursor or colour the screen of whoever reads it. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => (character === "\n" ? " " : "\uFFFD"));
}

/** Columns held apart by two spaces, no box and no colour: for pipes and files. */
function plain(lines: readonly (readonly string[])[], columns: readonly Column<never>[]): string {
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => [...(line[index] ?? "")].length)));
  return lines
    .map((line) =>
      line
        .map((cell, index) => {
          const padding = " ".repeat((widths[index] ?? 0) - [...cell].length);
          return columns[index]?.align === "right" ? padding + cell : cell + padding;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
