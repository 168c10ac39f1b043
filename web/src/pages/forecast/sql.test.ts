import { describe, expect, it } from "vitest";
import { seriesOf, tellSeries, withSeries } from "./address";
import { assetOf, NEW, OLD } from "./example";
import { shapeOf, type Shape } from "./shape";
import * as basics from "./sql";
import * as questions from "./sql-series";

const sql = { ...basics, ...questions };

const old = shapeOf(assetOf(OLD)) as Shape;
const now = shapeOf(assetOf(NEW)) as Shape;
const sums = shapeOf(assetOf(`${NEW} hierarchy`)) as Shape;
const series = (...values: (string | null)[]) => ({ values, sum: null });
const one = shapeOf(assetOf("hour_at forecast lo_80 hi_80 model class", ["hour_at", "sold"])) as Shape;
const asked = { search: "", class: "", steady: "", order: "backtest", level: "", descending: true, limit: 50 } as const;

describe("quoting", () => {
  it("doubles what would end a name or a text", () => {
    expect(sql.quoted('a"b')).toBe('"a""b"');
    expect(sql.literal("O'Hare; --")).toBe("'O''Hare; --'");
  });
  it("compares text, whole numbers, others and what is missing", () => {
    const keys = [
      { name: "origin", type: "string" },
      { name: "gate", type: "int" },
      { name: "on", type: "date" },
    ];
    expect(sql.matching({ keys }, series("JFK' or ''='", "12", null))).toBe(
      `"origin" = 'JFK'' or ''''=''' and "gate" = 12 and "on" is null`,
    );
    expect(sql.matching({ keys }, series("", "1 or 1", "2013-12-31"))).toBe(
      `"origin" = '' and cast("gate" as varchar) = '1 or 1' and cast("on" as varchar) = '2013-12-31'`,
    );
    expect(sql.matching({ keys: [] }, series())).toBe("true");
  });
});

describe("the questions", () => {
  const all = (of: Shape) => [
    sql.headSql(of),
    sql.worstSql(of, asked),
    sql.factsSql(of, series("JFK", "B6")),
    sql.stepsSql(of, series("JFK", "B6")),
  ];
  it("name their version", () => {
    for (const text of all(now)) expect(text).toContain("version('forecast.departures', 7)");
  });
  it("ask for no column that is not there", () => {
    for (const text of all(old)) expect(text).not.toMatch(/scored_|steady|fitted_at|\bstep\b/);
    for (const text of all(one))
      expect(text).not.toMatch(/scored_|coverage|backtest_error|naive_error|group by ,|treatments|choice/);
  });
  it("take what newer versions record", () => {
    expect(sql.headSql(now)).toMatch(/bool_and\(steady\).*sum\(case when steady/s);
    expect(sql.worstSql(now, { ...asked, order: "scored" })).toContain(
      "order by scored_relative desc nulls last, k0, k1 limit 50",
    );
  });
  it("search in the query, every word, as literals", () => {
    const text = sql.worstSql(old, { ...asked, search: "JFK  o'b", class: "smooth", limit: 150 });
    expect(text).toContain("> 0 and strpos(lower(");
    expect(text).toContain("'jfk') > 0");
    expect(text).toContain("'o''b') > 0 and class = 'smooth'");
    expect(text).toMatch(/limit 150$/);
  });
  it("find series that stepped only where that is known", () => {
    expect(sql.worstSql(old, { ...asked, steady: "stepped" })).not.toContain("where ");
    expect(sql.worstSql(now, { ...asked, steady: "stepped" })).toContain("where not steady");
  });
  it("read a history between two times", () => {
    const range = { from: Date.parse("2013-12-24T00:00:00Z"), to: Date.parse("2013-12-31T00:00:00Z"), limit: 400 };
    const history = { asset: "mart.departures_hourly", value: "departed" };
    const between = `"hour_at" >= '2013-12-24T00:00:00.000Z' and "hour_at" <= '2013-12-31T00:00:00.000Z'`;
    expect(sql.historySql(old, series("JFK", "B6"), history, range)).toBe(
      `select "hour_at" as at, cast("departed" as double) as value from "mart"."departures_hourly" ` +
        `where "origin" = 'JFK' and "carrier" = 'B6' and ${between} order by "hour_at" desc limit 400`,
    );
    expect(sql.historySql(sums, { values: ["JFK", null], sum: "origin" }, history, range)).toBe(
      `select "hour_at" as at, sum(cast("departed" as double)) as value from "mart"."departures_hourly" ` +
        `where "origin" = 'JFK' and ${between} group by "hour_at" order by "hour_at" desc limit 400`,
    );
  });
  it("tell sums from series", () => {
    expect(sql.stepsSql(sums, { values: [null, null], sum: "total" })).toContain("where true and hierarchy = 'total' order");
    expect(sql.stepsSql(sums, series("JFK", null))).toContain(`"carrier" is null and hierarchy = 'origin, carrier'`);
    expect(sql.headSql(sums)).toMatch(/group by "origin", "carrier", hierarchy.*group by class, level_name/s);
    expect(sql.horizonSql(sums)).toContain("and hierarchy = 'origin, carrier' group by step");
    expect(sql.worstSql(sums, { ...asked, level: "origin" })).toContain("where level_name = 'origin'");
    expect(sql.worstSql(old, { ...asked, level: "origin" })).not.toContain("where ");
  });
  it("look at several versions in one", () =>
    expect(
      sql
        .insideSql(now, [5, 6])
        .split(" union all ")
        .map((part) => /version\('forecast\.departures', (\d)\)/.exec(part)?.[1]),
    ).toEqual(["5", "6"]));
});

describe("a series in the address", () => {
  it("comes back as it was, beside the filters", () => {
    for (const one of [
      series("JFK", "B6"),
      series("a,b&c", ""),
      series(null, "\\N"),
      series("\\x", "ä"),
      { values: ["JFK", null], sum: "origin" },
    ]) {
      const path = withSeries("/assets/f.d", new URLSearchParams("tab=forecast&search=b6&series=old&sum=total"), one);
      const search = new URLSearchParams(path.split("?")[1]);
      expect(search.get("search")).toBe("b6");
      expect(seriesOf(search, 2)).toEqual(one);
    }
  });
  it("is none when it has another number of values", () => {
    expect(seriesOf(new URLSearchParams("series=a"), 2)).toBeNull();
    expect(seriesOf(new URLSearchParams(""), 0)).toBeNull();
    expect(withSeries("/a", new URLSearchParams("series=x&series=y&sum=total"), null)).toBe("/a");
  });
  it("is told as its values, and what a sum is over as all", () => {
    expect(tellSeries(sums, series("JFK", null))).toEqual(["JFK", "null"]);
    expect(tellSeries(sums, { values: ["JFK", null], sum: "origin" })).toEqual(["JFK", "all"]);
    expect(tellSeries(sums, { values: [null, null], sum: "total" })).toEqual(["all", "all"]);
  });
});
