/** What a row of history is to the graph beside it. */
interface Node {
  readonly deploymentId: string;
  /** The deployment that it goes back to. */
  readonly replays?: string;
}

/** Signs for terminals that can draw, and for everywhere else. */
const LINES = { node: "●", along: "─", down: "│", begin: "╮", join: "┤", end: "╯", crossing: "┼" };
const ASCII = { node: "*", along: "-", down: "|", begin: ".", join: "+", end: "'", crossing: "+" };

/**
 * A history, newest first, drawn as `git log --graph` draws one: a line from each rollback down to the deployment that it
 * repeats, which a row for each deployment begins with. Rollbacks to the same deployment share a line. Of a deployment
 * that is not shown it leaves below.
 */
export function graphOf(rows: readonly Node[], isTerminal: boolean): string[] {
  const signs = isTerminal ? LINES : ASCII;
  /** What each line leads to; a line that has ended leaves its place to the next. */
  const lines: (string | undefined)[] = [];
  const drawn = rows.map(({ deploymentId, replays }) => {
    const end = lines.indexOf(deploymentId);
    if (end >= 0) lines[end] = undefined;
    const joined = replays === undefined ? -1 : lines.indexOf(replays);
    const begin = replays === undefined || joined >= 0 ? joined : firstFree(lines, end);
    if (replays !== undefined) lines[begin] = replays;
    const reach = Math.max(begin, end);
    const last = reach === end ? signs.end : reach === joined ? signs.join : signs.begin;
    return Array.from({ length: Math.max(lines.length, reach + 1) }, (_, at) => {
      if (at > reach) return lines[at] === undefined ? "  " : ` ${signs.down}`;
      const isCrossed = lines[at] !== undefined || at === end;
      return signs.along + (at === reach ? last : isCrossed ? signs.crossing : signs.along);
    }).reduce((row, next) => row + next, signs.node);
  });
  const width = Math.max(0, ...drawn.map((row) => row.length));
  return drawn.map((row) => row.padEnd(width));
}

/** Beside the line that ends in this row, so that the two are told apart. */
function firstFree(lines: readonly (string | undefined)[], end: number): number {
  const free = lines.findIndex((target, at) => target === undefined && at !== end);
  return free === -1 ? lines.length : free;
}
