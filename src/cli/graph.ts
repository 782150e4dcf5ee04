/** What a row of history is to the graph beside it. */
interface Node {
  readonly deploymentId: string;
  /** The deployment that it goes back to. */
  readonly replays?: string;
}

/** Signs for terminals, and for pipes and files. */
const LINES = { node: "●", along: "─", down: "│", begin: "╮", end: "╯", crossing: "┼" };
const ASCII = { node: "*", along: "-", down: "|", begin: ".", end: "'", crossing: "+" };

/**
 * A history, newest first, drawn as `git log --graph` draws one: a line from each rollback down to the deployment that it
 * repeats, which a row for each deployment begins with. Of a deployment that is not shown it leaves below.
 */
export function graphOf(rows: readonly Node[], isTerminal: boolean): string[] {
  const signs = isTerminal ? LINES : ASCII;
  /** What each line leads to; a line that has ended leaves its place to the next. */
  const lines: (string | undefined)[] = [];
  const drawn = rows.map(({ deploymentId, replays }) => {
    const ends = lines.flatMap((target, at) => (target === deploymentId ? [at] : []));
    for (const at of ends) lines[at] = undefined;
    const begins = replays === undefined ? -1 : firstFree(lines, ends);
    if (replays !== undefined) lines[begins] = replays;
    const reach = Math.max(begins, ...ends);
    return Array.from({ length: Math.max(lines.length, reach + 1) }, (_, at) => {
      const isNext = at <= reach;
      const sign = ends.includes(at)
        ? at < reach
          ? signs.crossing
          : signs.end
        : at === begins
          ? at < reach
            ? signs.crossing
            : signs.begin
          : lines[at] === undefined
            ? isNext
              ? signs.along
              : " "
            : isNext
              ? signs.crossing
              : signs.down;
      return (isNext ? signs.along : " ") + sign;
    }).reduce((row, next) => row + next, signs.node);
  });
  const width = Math.max(0, ...drawn.map((row) => row.length));
  return drawn.map((row) => row.padEnd(width));
}

/** Beside the lines that end in this row, so that the two are told apart. */
function firstFree(lines: readonly (string | undefined)[], ends: readonly number[]): number {
  const free = lines.findIndex((target, at) => target === undefined && !ends.includes(at));
  return free === -1 ? lines.length : free;
}
