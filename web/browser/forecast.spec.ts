// A forecast: results, the worst series, one of them with everything said of it, and its chart as a file.
import { readFileSync } from "node:fs";
import { expect, serving, settled, test } from "./test";

const lockgate = serving();
const TAB = "/assets/forecast.departures?tab=forecast";

test.beforeEach(async ({ page }) => {
  await page.goto(lockgate.at("/assets/forecast.departures"));
  await settled(page);
});

test("results come first, then the worst series", async ({ page }) => {
  await page.getByRole("link", { name: "Forecast", exact: true }).click();
  await settled(page);
  await expect(page).toHaveURL(/tab=forecast/);
  const results = page.getByRole("region", { name: "Results" });
  await expect(results).toContainText("Better than the last season repeated");
  await expect(results).toContainText(/[\d.]+ %/);
  await expect(page.getByRole("region", { name: "Accuracy over versions" })).toBeVisible();
  const series = page.getByRole("region", { name: "Series", exact: true });
  await expect(series.getByRole("row").nth(1)).toBeVisible();

  // Searching is the query's work: what is found is found among all of them.
  const all = await series.getByRole("row").count();
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox")).toBeFocused();
  await page.keyboard.type("jfk b6");
  await expect(page).toHaveURL(/search=jfk\+b6/);
  await expect(series.getByRole("link")).toHaveText(["JFK, B6"]);
  await page.getByRole("searchbox").fill("o'hare");
  await expect(series).toContainText("No series match these filters");
  await series.getByRole("button", { name: "Clear the filters" }).click();
  await expect(series.getByRole("row")).toHaveCount(all);

  await series.getByRole("button", { name: "origin, carrier" }).click();
  await expect(series.getByRole("link").first()).toHaveText(/^EWR, /);
});

test("other assets have no such tab", async ({ page }) => {
  await page.goto(lockgate.at("/assets/mart.fleet?tab=forecast"));
  await settled(page);
  await expect(page.getByRole("link", { name: "Schema" })).toHaveAttribute("aria-current", "page");
  await expect(page.getByRole("link", { name: "Forecast", exact: true })).toHaveCount(0);
});

test("a series has a link, and is read by keyboard", async ({ page, context }) => {
  await page.goto(lockgate.at(`${TAB}&search=jfk+b6`));
  await page.getByRole("link", { name: "JFK, B6" }).click();
  await expect(page).toHaveURL(/series=JFK&series=B6/);
  await expect(page.getByRole("heading", { level: 2 }).first()).toBeFocused();
  const forecast = page.getByRole("region", { name: "Forecast", exact: true });
  await expect(forecast).toContainText("departed of mart.departures_hourly");

  const chart = forecast.getByRole("img", {
    name: /^forecast\.departures of JFK, B6: \d+ values of history, 48 steps of forecast/,
  });
  await chart.focus();
  await page.keyboard.press("ArrowRight");
  await expect(forecast.getByRole("status")).toHaveText(/UTC: forecast [\d.−]+, 80 % from [\d.−]+ to [\d.−]+, 95 % from/);
  await page.keyboard.press("Home");
  await expect(forecast.getByRole("status")).toHaveText(/UTC: history \d/);

  // The parts are read the same way, and add up.
  const parts = page.getByRole("region", { name: "What it is made of" });
  await parts.getByRole("img").focus();
  await page.keyboard.press("End");
  const told = await parts.getByRole("status").innerText();
  const numbers = [...told.replaceAll("−", "-").matchAll(/ (-?[\d,.]+(?:e[+-]?\d+)?)(?= \+| =|$)/g)].map((match) =>
    Number(match[1]?.replaceAll(",", "")),
  );
  const sum = numbers.pop() as number;
  expect(numbers.reduce((a, b) => a + b, 0)).toBeCloseTo(sum, 2);

  await expect(page.getByRole("region", { name: "Chosen models" })).toContainText("%");
  await expect(page.getByRole("region", { name: "Tried" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Done to the series" })).toBeVisible();

  // The link shows the same to somebody else, and the way back leads to the same list.
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.getByRole("heading", { level: 2 }).first()).toContainText("JFK");
  await page.getByRole("link", { name: "All series" }).click();
  await expect(page.getByRole("searchbox")).toHaveValue("jfk b6");
});

test("the chart is downloaded as a file of its own", async ({ page, context }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto(lockgate.at(`${TAB}&series=JFK&series=B6`));
  const forecast = page.getByRole("region", { name: "Forecast", exact: true });
  await expect(forecast.locator("[aria-busy=true]")).toHaveCount(0);
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    forecast.getByRole("button", { name: "Download SVG" }).click(),
  ]);
  expect(file.suggestedFilename()).toBe("forecast.departures-JFK-B6.svg");
  const svg = readFileSync(await file.path(), "utf8");
  expect(svg).toContain("forecast.departures of JFK, B6");
  expect(svg).not.toMatch(/var\(|class=|NaN|undefined/);
  expect(svg.match(/fill="#[0-9a-f]+"/)?.[0]).toMatch(/"#fff(fff)?"/); // light, whatever the page is
  const other = await context.newPage();
  await other.setContent(svg.replace(/^<\?xml.*\?>/, ""));
  await expect(other.getByText("hour_at (UTC)")).toBeVisible();
  await expect(other.getByText("departed", { exact: true })).toBeVisible();
});

test("what the backtest said is drawn over what came", async ({ page }) => {
  await page.goto(lockgate.at(`${TAB}&series=JFK&series=B6`));
  const forecast = page.getByRole("region", { name: "Forecast", exact: true });
  await expect(forecast.getByText("said in the backtest")).toHaveCount(0);
  await forecast.getByRole("button", { name: "Backtest" }).click();
  await expect(forecast.getByText("said in the backtest")).toBeVisible();
  await expect(forecast.locator(".fan-line")).not.toHaveCount(0);
  const chart = forecast.getByRole("img");
  // The last step of the history: the origin before it said what it would be. The longer history may come in between.
  await expect(async () => {
    await chart.blur();
    await chart.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowLeft");
    const said = /UTC: the backtest said [\d.−]+( to [\d.−]+)?, history \d/;
    await expect(forecast.getByRole("status")).toHaveText(said, { timeout: 1_000 });
  }).toPass();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    forecast.getByRole("button", { name: "Download SVG" }).click(),
  ]);
  expect(readFileSync(await file.path(), "utf8")).toContain(">backtest</text>");
});

test("a series that is not there says so", async ({ page }) => {
  await page.goto(lockgate.at(`${TAB}&series=JFK&series=O'Hare`));
  await expect(page.getByText("There is no such series")).toBeVisible();
  await page.getByRole("link", { name: "All series" }).click();
  await expect(page.getByRole("region", { name: "Series", exact: true }).getByRole("row").nth(1)).toBeVisible();
});
