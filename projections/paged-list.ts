const PAGE_ITEMS = 1_024;

/** What such a list holds: facts in the order of their events. */
interface Item {
  readonly id: string;
  readonly revision: number;
}

/** A page that nobody has asked for since a snapshot was loaded. */
export interface Asleep<Of> {
  readonly wake: () => Of[];
}

/**
 * A list that grows at its end, in pages: most of what a snapshot of 100,000 models holds is never looked at, and most of
 * the next snapshot is as it was in this one. A whole page is never changed; another takes its place.
 */
export interface PagedList<Of extends Item> {
  length: number;
  readonly pages: (Of[] | Asleep<Of>)[];
}

export const emptyList = <Of extends Item>(): PagedList<Of> => ({ length: 0, pages: [] });

export const pageCount = (length: number): number => Math.ceil(length / PAGE_ITEMS);

export const isWhole = (page: readonly unknown[]): boolean => page.length === PAGE_ITEMS;

export function itemAt<Of extends Item>(list: PagedList<Of>, index: number): Of | undefined {
  return pageOf(list, Math.floor(index / PAGE_ITEMS))[index % PAGE_ITEMS] ?? undefined;
}

export function setItem<Of extends Item>(list: PagedList<Of>, index: number, item: Of): void {
  const number = Math.floor(index / PAGE_ITEMS);
  const place = index % PAGE_ITEMS;
  const page = pageOf(list, number);
  if (isWhole(page)) {
    list.pages[number] = page.with(place, item);
  } else {
    page[place] = item;
    list.pages[number] = page;
  }
  if (index >= list.length) list.length = index + 1;
}

/** In order, until `visit` answers false. */
export function eachItem<Of extends Item>(list: PagedList<Of>, visit: (item: Of, index: number) => unknown): void {
  for (let number = 0; number < list.pages.length; number++) {
    for (const [place, item] of pageOf(list, number).entries()) {
      if (item && visit(item, number * PAGE_ITEMS + place) === false) return; // a damaged log may skip some
    }
  }
}

/** How many were there before the event at `revision`. */
export function countBefore(list: PagedList<Item>, revision: number): number {
  let before = 0;
  let after = list.length;
  while (before < after) {
    const middle = (before + after) >> 1;
    if ((itemAt(list, middle)?.revision ?? 0) < revision) before = middle + 1;
    else after = middle;
  }
  return before;
}

/** The index of the item with this id, or -1. Newest first: that is what is mostly asked for. */
export function indexOfId(list: PagedList<Item>, id: string): number {
  for (let number = list.pages.length - 1; number >= 0; number--) {
    const place = placeOf(pageOf(list, number), id);
    if (place >= 0) return number * PAGE_ITEMS + place;
  }
  return -1;
}

/** Where the ids of whole pages stand, for those that were searched. */
const places = new WeakMap<readonly Item[], Map<string, number>>();

function placeOf(page: readonly Item[], id: string): number {
  if (!isWhole(page)) return page.findLastIndex((item) => item?.id === id);
  let known = places.get(page);
  if (known === undefined) {
    known = new Map();
    for (const [place, item] of page.entries()) known.set(item?.id, place);
    places.set(page, known);
  }
  return known.get(id) ?? -1;
}

function pageOf<Of extends Item>({ pages }: PagedList<Of>, number: number): Of[] {
  const page = pages[number] ?? [];
  if (Array.isArray(page)) return page;
  const awake = page.wake();
  pages[number] = awake;
  return awake;
}
