import { expect, it } from "vitest";
import type { AuditEntry } from "../../api/types";
import { grouped } from "./grouped";

const entry = (sequence: number, action: string, actor = "ada", why: string | null = null): AuditEntry => ({
  ...{ sequence, action, actor, why, at: "2013-12-31T00:00:00Z" },
  ...{ asset: `a.t${sequence}`, version: 1, run: null, detail: null },
});
const numbers = (entries: AuditEntry[]) => grouped(entries).map((group) => group.map((one) => one.sequence));

it("puts a run's publications together, also around what it held", () =>
  expect(
    numbers([entry(9, "run_ended"), entry(8, "published"), entry(7, "held"), entry(6, "published"), entry(5, "run_ended")]),
  ).toEqual([[9], [8, 6], [7], [5]]));
it("keeps apart what others did, other runs, and what has a reason", () =>
  expect(
    numbers([
      entry(9, "published"),
      entry(8, "published", "bob"),
      entry(7, "published", "bob", "it is right"),
      entry(6, "published", "bob"),
      entry(5, "run_ended", "bob"),
      entry(4, "published", "bob"),
    ]),
  ).toEqual([[9], [8], [7], [6], [5], [4]]));
