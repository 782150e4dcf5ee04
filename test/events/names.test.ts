import { expect, test } from "vitest";
import { ProjectName } from "../../src/events/names.ts";

test("a project's name is measured as it is composed, and trimmed", () => {
  const longest = "\u1f82".repeat(200);
  expect(ProjectName.parse(longest.normalize("NFD"))).toBe(longest);
  expect(ProjectName.parse(`${longest}${" ".repeat(5_000)}`)).toBe(longest);
  expect(ProjectName.safeParse(`${longest}x`.normalize("NFD")).success).toBe(false);
});

test("a name of half a million marks is refused at once, not composed", () => {
  const begun = performance.now();
  const { error } = ProjectName.safeParse("\u0301".repeat(250_000) + "\u0327".repeat(250_000));
  expect(error?.issues.map(({ message }) => message)).toEqual(["must have 1 to 200 characters"]);
  expect(performance.now() - begun).toBeLessThan(10_000);
});
