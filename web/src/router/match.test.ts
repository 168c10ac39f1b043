import { expect, it } from "vitest";
import { matchPath } from "./match";

it("matches what it names and nothing else", () => {
  expect(matchPath("/", "/")).toEqual({});
  expect(matchPath("/assets", "/assets/")).toEqual({});
  expect(matchPath("/assets/:name", "/assets/mart.daily")).toEqual({ name: "mart.daily" });
  expect(matchPath("/assets/:name", "/assets")).toBeNull();
  expect(matchPath("/assets/:name", "/assets/a/b")).toBeNull();
  expect(matchPath("/runs/:id", "/assets/a")).toBeNull();
});
it("decodes parameters and refuses broken escapes", () => {
  expect(matchPath("/runs/:id", "/runs/a%2Fb")).toEqual({ id: "a/b" });
  expect(matchPath("/runs/:id", "/runs/%E0%A4%A")).toBeNull();
});
