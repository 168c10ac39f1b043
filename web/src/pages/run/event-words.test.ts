import { expect, it } from "vitest";
import { inWords } from "./event-words";

it("says what was audited with units, and leaves out what is nought", () =>
  expect(
    inWords({ rows: 336776, size_bytes: 6218367, build_ms: 191, rejected_rows: 0, checks: { passed: 17, warned: 0, failed: 1 } }),
  ).toBe("336,776 rows, 6.2 MB, 191 ms staging, 17 passed, 1 failed"));
it("says why a task runs", () =>
  expect(
    inWords({
      reasons: [
        { reason: "outside_changed", why: "a.csv is new" },
        { reason: "input_runs", input: "raw.x" },
      ],
      attempt: 1,
    }),
  ).toBe("a.csv is new; input runs raw.x"));
it("counts long lists", () => expect(inWords({ assets: ["a.a", "a.b", "a.c", "a.d"] })).toBe("4 assets"));
it("shows what it does not know", () => expect(inWords({ odd: { a: 1 }, message: "so it is" })).toBe('odd {"a":1}, so it is'));
