import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Page } from "./answers.ts";
import { into } from "./field.tsx";
import type { PagerProps } from "./pager.tsx";
import { ask, type Query } from "./service.ts";
import { untilDone } from "./until-done.ts";

/** Events come in crowds, and so do the letters that somebody types. */
const CALM_MS = 200;

interface Asked {
  readonly path: string;
  /** The filter. */
  readonly query: Query;
  readonly rows: number;
  /** The position that the page must know of; it is asked for again when that moves. */
  readonly follows: (isFirst: boolean) => string | undefined;
}

interface Paged<Item> {
  /** Undefined until the first answer. */
  readonly items: readonly Item[] | undefined;
  readonly problem: string | undefined;
  readonly pager: Pick<PagerProps, "from" | "count" | "onBack" | "onNext">;
  /** Another filter begins at the first page. */
  readonly restart: () => void;
}

/** A list that the service gives page by page. */
export function usePaged<Item>({ path, query, rows, follows }: Asked): Paged<Item> {
  /** The cursors of the pages up to this one; the first page has none. */
  const cursors = useSignal<readonly string[]>([]);
  const page = useSignal<Page<Item> | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const cursor = cursors.value.at(-1);
  const position = follows(cursor === undefined) || undefined;

  useEffect(() => {
    const stop = new AbortController();
    const load = async () => {
      const asked = { ...query, limit: rows, cursor, min_position: position };
      page.value = await ask<Page<Item>>(path, asked, stop.signal);
    };
    const timer = setTimeout(() => void untilDone(load, stop.signal, into(problem)), CALM_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [path, JSON.stringify(query), cursor, position]);

  function show(pages: readonly string[]): void {
    cursors.value = pages;
  }
  const { items, next } = page.value ?? {};
  return {
    items,
    problem: problem.value,
    pager: {
      from: cursors.value.length * rows,
      count: items?.length ?? 0,
      onBack: cursors.value.length === 0 ? undefined : () => show(cursors.value.slice(0, -1)),
      onNext: next === undefined ? undefined : () => show([...cursors.value, next]),
    },
    restart: () => show([]),
  };
}
