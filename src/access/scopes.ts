/** What a token lets somebody do. Each of the others may also read; `admin` may do everything. */
export const SCOPES = ["read", "train", "deploy", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks, and what they may. */
export interface Caller {
  /** Becomes the actor of their commands; undefined where anybody may ask. */
  readonly name: string | undefined;
  may(scope: Scope): boolean;
  /** Whether this project is there for them: others do not exist. */
  covers(project: string): boolean;
  /** Every project there is or will be. */
  readonly coversAll: boolean;
  /** Whether what let them in still does: a token may have been revoked since. Cheap: asked before each live event. */
  holds(): boolean | Promise<boolean>;
}

/** Of a service on this machine's own address without tokens. */
export const ANYBODY: Caller = {
  name: undefined,
  may: () => true,
  covers: () => true,
  coversAll: true,
  holds: () => true,
};

interface Rights {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** A glob. */
  readonly project: string;
}

export function callerWith({ name, scopes, project }: Rights, holds: Caller["holds"]): Caller {
  return {
    name,
    may: (scope) => scope === "read" || scopes.includes(scope) || scopes.includes("admin"),
    covers: (candidate) => matchesGlob(project, candidate),
    coversAll: /^\*+$/.test(project),
    holds,
  };
}

/**
 * Whether the glob matches the whole name: `*` is any text, slashes too, `?` any one character, all else itself.
 * Takes time in proportion to the lengths multiplied, whatever they hold.
 */
export function matchesGlob(glob: string, name: string): boolean {
  const pattern = [...glob.normalize("NFC")];
  const text = [...name];
  let [at, from, star, tried] = [0, 0, -1, 0];
  while (at < text.length) {
    if (pattern[from] === "*") {
      star = from;
      tried = at;
      from += 1;
    } else if (from < pattern.length && (pattern[from] === "?" || pattern[from] === text[at])) {
      from += 1;
      at += 1;
    } else if (star >= 0) {
      from = star + 1;
      tried += 1;
      at = tried;
    } else return false;
  }
  while (pattern[from] === "*") from += 1;
  return from === pattern.length;
}
