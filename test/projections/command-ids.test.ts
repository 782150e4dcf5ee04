import { describe, expect, test } from "vitest";
import { evolveProject, initialProject, type ProjectState, revisionOfCommand } from "../../projections/project.ts";
import { odd } from "./odd.ts";

/** By which commands that come again are known. */
describe("the ids of commands", () => {
  /** Commands whose ids the callers chose, each with one event; unknown events are quick to fold. */
  function commanded(count: number, state = initialProject()): ProjectState {
    for (let index = 0; index < count; index++) {
      const metadata = { commandId: `command ${index}`, commandDigest: "d" };
      evolveProject(state, odd(index, { type: "Nothing", data: {} }, metadata));
    }
    return state;
  }
  const revisionsOf = (state: ProjectState, ...commands: number[]) =>
    commands.map((command) => revisionOfCommand(state, `command ${command}`));

  test("that the callers chose are known with the revision of their first event, and no others", () => {
    const state = initialProject();
    evolveProject(state, odd(0, { type: "Nothing", data: {} }, { commandId: "ours" }));
    evolveProject(state, odd(1, { type: "Nothing", data: {} }, { commandId: "theirs", commandDigest: "d" }));
    evolveProject(state, odd(2, { type: "Nothing", data: {} }, { commandId: "theirs", commandDigest: "d" }));
    expect(["ours", "theirs", "nobody's"].map((id) => revisionOfCommand(state, id))).toEqual([undefined, 1, undefined]);
    expect(state.commands).toEqual({ newer: { "=theirs": 1 }, newerCount: 1, older: {}, forgotten: false });
  });
  test("are all known of ten thousand commands, and then of ten thousand more", () => {
    const state = commanded(10_000);
    expect(state.commands).toMatchObject({ newerCount: 10_000, older: {}, forgotten: false });
    evolveProject(
      state,
      odd(10_000, { type: "Nothing", data: {} }, { commandId: "command 10000", commandDigest: "d" }),
    );
    expect(state.commands).toMatchObject({ newer: { "=command 10000": 10_000 }, newerCount: 1, forgotten: false });
    expect(revisionsOf(state, 0, 9_999, 10_000)).toEqual([0, 9_999, 10_000]);
  });
  test("are forgotten by the ten thousand, the oldest first, and it is known that some were", () => {
    const full = commanded(20_000);
    expect(revisionsOf(full, 0, 9_999, 10_000, 19_999)).toEqual([0, 9_999, 10_000, 19_999]);
    expect(full.commands.forgotten).toBe(false);
    const more = commanded(20_001);
    expect(revisionsOf(more, 0, 9_999, 10_000, 20_000)).toEqual([undefined, undefined, 10_000, 20_000]);
    expect(more.commands).toMatchObject({ newerCount: 1, forgotten: true });
    expect(commanded(30_001).commands).toMatchObject({ newerCount: 1, forgotten: true });
  });
});
