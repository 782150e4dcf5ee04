import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Asleep,
  countBefore,
  eachItem,
  emptyList,
  indexOfId,
  isWhole,
  itemAt,
  type PagedList,
  pageCount,
  setItem,
} from "../../projections/paged-list.ts";

interface Item {
  readonly id: string;
  readonly revision: number;
}

/** How many items a page holds. */
const PAGE = 1_024;

const item = (index: number, id = `item ${index}`): Item => ({ id, revision: 10 * index });

function listOf(length: number): PagedList<Item> {
  const list = emptyList<Item>();
  for (let index = 0; index < length; index++) setItem(list, index, item(index));
  return list;
}

/** The same list, as a snapshot gives it: every page asleep. `woken` are the pages that were asked for. */
function asleep(list: PagedList<Item>): { readonly list: PagedList<Item>; readonly woken: number[] } {
  const woken: number[] = [];
  const pages = list.pages.map((page, number): Asleep<Item> => {
    if (!Array.isArray(page)) throw new Error("awake already");
    return {
      wake: () => {
        woken.push(number);
        return page;
      },
    };
  });
  return { list: { length: list.length, pages }, woken };
}

const indexesOf = (list: PagedList<Item>): number[] => {
  const found: number[] = [];
  eachItem(list, (one, index) => {
    expect(one).toEqual(item(index));
    found.push(index);
  });
  return found;
};

const LENGTHS = [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1];

describe("a list", () => {
  test.each(LENGTHS)("of %d items has as many pages as these fill, all but the last of them whole", (length) => {
    const { pages, length: found } = listOf(length);
    expect(found).toBe(length);
    expect(pages).toHaveLength(pageCount(length));
    expect(pages.map((page) => Array.isArray(page) && isWhole(page)).slice(0, -1)).not.toContain(false);
    expect(pages.flat()).toHaveLength(length);
  });
  test.each(LENGTHS)("of %d items gives each of them by its index and by its id, and no others", (length) => {
    const list = listOf(length);
    for (const index of [0, 1, PAGE - 1, PAGE, PAGE + 1, length - 1]) {
      const isThere = index >= 0 && index < length;
      expect(itemAt(list, index)).toEqual(isThere ? item(index) : undefined);
      expect(indexOfId(list, `item ${index}`)).toBe(isThere ? index : -1);
    }
    expect(itemAt(list, -1)).toBeUndefined();
    expect(itemAt(list, length)).toBeUndefined();
    expect(indexOfId(list, "nobody")).toBe(-1);
    expect(indexesOf(list)).toEqual(Array.from({ length }, (_, index) => index));
  });
  test("is not visited past the item at which the visitor answers false", () => {
    const list = listOf(PAGE + 5);
    for (const last of [0, 3, PAGE - 1, PAGE, PAGE + 2]) {
      const visited: number[] = [];
      eachItem(list, (_, index) => {
        visited.push(index);
        return index < last;
      });
      expect(visited).toHaveLength(last + 1);
    }
  });
  test("goes on where the visitor answers nothing, or anything but false", () => {
    let visited = 0;
    eachItem(listOf(3), () => {
      visited += 1;
      return visited === 1 ? undefined : 0;
    });
    expect(visited).toBe(3);
  });
  test("takes another item for one that it holds, and is no longer for it", () => {
    const list = listOf(PAGE + 2);
    for (const index of [0, PAGE - 1, PAGE]) {
      setItem(list, index, { id: "other", revision: 7 });
      expect(itemAt(list, index)).toEqual({ id: "other", revision: 7 });
      expect(indexOfId(list, `item ${index}`)).toBe(-1);
      setItem(list, index, item(index));
    }
    expect(list.length).toBe(PAGE + 2);
    expect(indexesOf(list)).toHaveLength(PAGE + 2);
  });
  test("never changes a whole page, which may be in a snapshot: another takes its place", () => {
    const list = listOf(PAGE + 1);
    const [whole, growing] = list.pages;
    const before = structuredClone(whole);
    setItem(list, 5, { id: "other", revision: 7 });
    setItem(list, PAGE + 1, item(PAGE + 1));
    expect(whole).toEqual(before);
    expect(list.pages[0]).not.toBe(whole);
    expect(list.pages[1]).toBe(growing);
  });
  test("may have gaps where a log was damaged, which nobody finds", () => {
    const list = listOf(2);
    setItem(list, 5, item(5));
    setItem(list, PAGE + 3, item(PAGE + 3));
    expect(list.length).toBe(PAGE + 4);
    expect(itemAt(list, 3)).toBeUndefined();
    expect(itemAt(list, PAGE)).toBeUndefined();
    expect(indexesOf(list)).toEqual([0, 1, 5, PAGE + 3]);
    expect(indexOfId(list, "item 5")).toBe(5);
    expect(indexOfId(list, "item 3")).toBe(-1);
    setItem(list, PAGE - 1, item(PAGE - 1));
    expect(indexOfId(list, `item ${PAGE - 1}`)).toBe(PAGE - 1);
    expect(indexOfId(list, "item 3")).toBe(-1);
  });
  test("reads the ids of a whole page once, however often it is searched", () => {
    let reads = 0;
    const list = emptyList<Item>();
    for (let index = 0; index < PAGE; index++) {
      const counting = {
        revision: index,
        get id() {
          reads += 1;
          return `item ${index}`;
        },
      };
      setItem(list, index, counting);
    }
    for (const index of [3, 1, PAGE - 1]) expect(indexOfId(list, `item ${index}`)).toBe(index);
    expect(reads).toBe(PAGE);
  });
  test("finds the newest of an id that is there twice, within a page and across pages", () => {
    const list = listOf(PAGE + 4);
    setItem(list, 3, item(3, "twin"));
    setItem(list, 7, item(7, "twin"));
    expect(indexOfId(list, "twin")).toBe(7);
    setItem(list, PAGE + 1, item(PAGE + 1, "twin"));
    setItem(list, PAGE + 2, item(PAGE + 2, "twin"));
    expect(indexOfId(list, "twin")).toBe(PAGE + 2);
  });
});

describe("how many items came before a revision", () => {
  test.each([
    [0, 0],
    [1, 1],
    [10, 1],
    [11, 2],
    [10 * PAGE, PAGE],
    [10 * PAGE + 1, PAGE + 1],
    [1_000_000, PAGE + 3],
  ])("%d is %d", (revision, before) => expect(countBefore(listOf(PAGE + 3), revision)).toBe(before));
  test("counts the gaps of a damaged log among them", () => {
    const list = listOf(2);
    setItem(list, 5, item(5));
    expect([0, 15, 30, 51].map((revision) => countBefore(list, revision))).toEqual([0, 5, 5, 6]);
  });
  test("is none of an empty list", () => expect(countBefore(emptyList(), 5)).toBe(0));
  test("is what counting says", () => {
    const revisions = fc.uniqueArray(fc.nat(100), { maxLength: 20 });
    fc.assert(
      fc.property(revisions, fc.nat(101), (some, revision) => {
        const list = emptyList<Item>();
        const ordered = some.sort((a, b) => a - b);
        ordered.forEach((one, index) => {
          setItem(list, index, { id: String(one), revision: one });
        });
        expect(countBefore(list, revision)).toBe(ordered.filter((one) => one < revision).length);
      }),
    );
  });
});

describe("a page that sleeps", () => {
  test("is woken once, when one of its items is asked for, and no other is", () => {
    const { list, woken } = asleep(listOf(3 * PAGE));
    expect(itemAt(list, PAGE + 1)).toEqual(item(PAGE + 1));
    expect(itemAt(list, PAGE + 2)).toEqual(item(PAGE + 2));
    setItem(list, PAGE + 3, item(PAGE + 3));
    expect(woken).toEqual([1]);
  });
  test("is woken newest first by a search, until the id is found", () => {
    const { list, woken } = asleep(listOf(3 * PAGE));
    expect(indexOfId(list, `item ${PAGE + 9}`)).toBe(PAGE + 9);
    expect(woken).toEqual([2, 1]);
    expect(indexOfId(list, `item ${2 * PAGE}`)).toBe(2 * PAGE);
    expect(woken).toEqual([2, 1]);
  });
  test("that was not whole grows on", () => {
    const { list } = asleep(listOf(PAGE + 1));
    setItem(list, PAGE + 1, item(PAGE + 1));
    expect(indexesOf(list)).toHaveLength(PAGE + 2);
  });
});
