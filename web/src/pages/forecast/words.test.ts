import { describe, expect, it } from "vitest";
import { formatValue } from "./values";
import { fanOf, choiceOf, inShort, inWords, relativeInWords, treatmentsOf, whyInWords } from "./words";

const JSON_OF = `[{"kind":"future","count":205,"first":1768906800000000,"last":1769641200000000},
  {"kind":"partial","count":1,"first":1768903200000000,"last":1768903200000000},{"kind":"unheard_of","count":3,"first":1,"last":2}]`;

describe("treatments", () => {
  const treatments = treatmentsOf(JSON_OF);
  it("are few words in a table", () =>
    expect(inShort(treatments)).toBe("205 future points dropped, unfinished last step dropped and 1 more"));
  it("that are new to the page are told as they are", () => expect(inShort(treatments.slice(2))).toBe("unheard of (3)"));
  it("are a sentence with its place", () => {
    expect(inWords(treatments[0]!, "instant")).toEqual({
      sentence: "205 points later than the run may know were dropped",
      where: "Tue 20 Jan 2026, 11:00 UTC to Wed 28 Jan 2026, 23:00 UTC",
    });
    expect(inWords(treatments[1]!, "instant").where).toBe("Tue 20 Jan 2026, 10:00 UTC");
    expect(inWords({ kind: "gaps", count: 1, first: 4, last: 4 }, "integer")).toEqual({
      sentence: "1 step without a value was filled",
      where: "4",
    });
  });
  it("are none when there are none, or nothing that can be read", () => {
    for (const json of ["[]", "{", null, undefined, '{"a":1}', "3"]) expect(treatmentsOf(json)).toEqual([]);
  });
});

describe("a choice", () => {
  it("is read as it is recorded", () => {
    const choice = choiceOf(
      '{"why":"backtest","tier":"usual","origins":5,"tried":[{"model":"ets","error":1.5,"left_out":null},{"model":"mstl","error":null,"left_out":"mstl does not suit: there is no season"}],"members":[{"model":"ets","weight":1,"form":"ETS(A,N,A)"}]}',
    );
    expect(choice).toMatchObject({ origins: 5, members: [{ model: "ets", weight: 1, form: "ETS(A,N,A)" }] });
    expect(choice?.tried[1]).toEqual({ model: "mstl", error: null, left_out: "mstl does not suit: there is no season" });
    expect(whyInWords(choice!)).toContain("a backtest of 5 origins");
  });
  it("tells a reason that it does not know as it is", () =>
    expect(whyInWords({ why: "other_thing", tier: null, origins: 0, tried: [], members: [], duel: null, leftOut: [] })).toBe(
      "Chosen by other thing.",
    ));
  it("is none when it cannot be read", () => {
    for (const json of ["{", null, "3"]) expect(choiceOf(json)).toBeNull();
    expect(choiceOf("{}")).toMatchObject({ tried: [], members: [], origins: 0 });
  });
});

describe("an error against that of the last season repeated", () => {
  it.each([
    [1, 2, "0.50 ×", "better"],
    [3, 2, "1.50 ×", "worse"],
    [2, 2, "1.00 ×", "equal"],
    [0, 0, "equal", "equal"],
    [1, 0, "worse", "worse"],
    [6e-10, 0, "equal", "equal"],
  ] as const)("%d against %d is %s", (error, naive, short, is) =>
    expect(relativeInWords(error, naive)).toMatchObject({ short, is }),
  );
  it("is nothing without a backtest", () => expect(relativeInWords(null, 2)).toBeNull());
});

describe("the backtest's fan", () => {
  it("has a line for each origin, its steps as far apart as one another", () => {
    const json = '[{"from":"2025-01-30","to":"2025-02-01","error":1.5,"said":[3,null,5]},{"from":"2025-02-01","to":"2025-02-01","said":[4]}]';
    const day = (text: string) => Date.parse(`${text}T00:00:00Z`);
    expect(fanOf(json, "day")).toEqual([
      [
        { at: day("2025-01-30"), value: 3 },
        { at: day("2025-01-31"), value: null },
        { at: day("2025-02-01"), value: 5 },
      ],
      [{ at: day("2025-02-01"), value: 4 }],
    ]);
  });
  it("is nothing where there is none", () => expect([fanOf(null, "day"), fanOf("not json", "day")]).toEqual([[], []]));
});

it("values have six digits, whole ones all of theirs", () => {
  expect([12.3456789, 0.000123456, 1234567.891, 48, -3.5, 12_345_678, 0].map(formatValue)).toEqual([
    ...["12.3457", "0.000123456", "1,234,567.891", "48", "−3.5", "12,345,678", "0"],
  ]);
});
