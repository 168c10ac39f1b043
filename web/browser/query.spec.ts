// SQL over what is published: completed, run, wrong, drawn, kept, handed on, stopped.
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, expected, serving, test } from "./test";

const lockgate = serving();

async function write(page: Page, sql: string) {
  const editor = page.locator(".cm-content");
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(sql);
}

test.beforeEach(async ({ page }) => {
  await page.goto(lockgate.at("/query"));
  await expect(page.locator(".cm-content")).toBeVisible();
});

test("tables and columns are completed", async ({ page }) => {
  await write(page, "select * from mart.");
  await page.keyboard.press("Control+Space");
  await expect(page.locator(".cm-tooltip-autocomplete")).toContainText("flight_weather");
  await page.keyboard.type("fle");
  await expect(page.locator(".cm-tooltip-autocomplete li").first()).toHaveText("fleet");
  await page.waitForTimeout(150); // CodeMirror takes no key for a moment after the list changed
  await page.keyboard.press("Enter");
  await expect(page.locator(".cm-content")).toHaveText(/mart\.fleet$/);
});

test("an answer is shown, drawn, downloaded, and has a link", async ({ page, context }) => {
  await write(page, "select origin, count(*) as flights from clean.flights group by origin order by origin");
  await page.keyboard.press("Control+Enter");
  const result = page.getByRole("region", { name: "Result", exact: true });
  await expect(result.getByRole("table", { name: "Result" })).toContainText("EWR");
  await expect(result.getByRole("status").first()).toContainText("3 rows, 2 columns");
  await expect(result).toContainText("clean.flights version 5");

  await result.getByRole("button", { name: "chart" }).click();
  await expect(result.getByRole("img").or(result.locator("svg")).first()).toBeVisible();

  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download the whole result as csv" }).click(),
  ]);
  expect(file.suggestedFilename()).toBe("query.csv");
  expect(readFileSync(await file.path(), "utf8")).toMatch(/^origin,flights\nEWR,\d+\nJFK,\d+\nLGA,\d+\n$/);

  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.locator(".cm-content")).toContainText("group by origin");
  await other.getByRole("button", { name: "History" }).click();
  await expect(other.getByRole("dialog")).toContainText("group by origin");
});

test("an error has its place and a hint", async ({ page, complaints }) => {
  await write(page, "select origin,\n  carier\nfrom clean.flights");
  await page.keyboard.press("Control+Enter");
  const problem = page.getByRole("alert");
  await expect(problem).toContainText("carier");
  await expect(problem).toContainText(/:2:3/);
  await expect(problem).toContainText("hint:");
  expected(complaints, /^4\d\d \/api\/v1\/query$/);
});

test("what takes too long is stopped", async ({ page, request }) => {
  await write(page, "select count(*) from generate_series(1, 100000000000) where value % 3 = 1");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("button", { name: /^Cancel/ }).click();
  await expect(page.getByText("The query is cancelled.")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Run/ })).toBeVisible();
  // The worker lets go when its operator next hands on rows.
  await expect
    .poll(async () => ((await (await request.get(lockgate.at("/api/v1/queries"))).json()) as { items: unknown[] }).items.length, {
      timeout: 20_000,
    })
    .toBe(0);
});
