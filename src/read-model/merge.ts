interface Stretch {
  readonly first: number;
  readonly last: number;
}

const FIRST_FETCH = 4;
const NEXT_FETCH = 64;

/**
 * The numbers of many sorted lists as one sorted list, by looking at no more of each than is taken. `fetch` gives the
 * next numbers of a list within a stretch, in the order asked for.
 */
export function* merged(
  lists: readonly number[],
  { first, last }: Stretch,
  descending: boolean,
  fetch: (list: number, first: number, last: number, limit: number) => readonly number[],
): Iterable<number> {
  const none = descending ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const pages = lists.map((list) => fetch(list, first, last, FIRST_FETCH));
  const taken = lists.map(() => 0);
  const heads = Float64Array.from(pages, (page) => page[0] ?? none);
  for (;;) {
    let next = 0;
    for (let index = 1; index < heads.length; index++) {
      const [head = none, best = none] = [heads[index], heads[next]];
      if (descending ? head > best : head < best) next = index;
    }
    const number = heads[next];
    if (number === undefined || number === none) return;
    yield number;
    taken[next] = (taken[next] ?? 0) + 1;
    if (taken[next] === pages[next]?.length) {
      const list = lists[next] ?? 0;
      pages[next] = descending ? fetch(list, first, number - 1, NEXT_FETCH) : fetch(list, number + 1, last, NEXT_FETCH);
      taken[next] = 0;
    }
    heads[next] = pages[next]?.[taken[next] ?? 0] ?? none;
  }
}
