import { expect, serving, settled, test } from "./test";

const lockgate = serving();

test("the graph is focused and shows columns", async ({ page }) => {
  await page.goto(lockgate.at("/lineage"));
  await settled(page);
  await expect(page.locator(".react-flow__node")).toHaveCount(16);
  await page.getByRole("option", { name: "mart.flight_weather" }).click();
  const around = page.getByRole("region", { name: "Around mart.flight_weather" });
  await expect(around).toContainText("clean.weather");
  await around.getByRole("button", { name: "Focus on it" }).click();
  await expect(page).toHaveURL(/focus=mart\.flight_weather/);
  await expect(page.locator(".react-flow__node")).toHaveCount(5);

  await page.getByRole("button", { name: "Columns" }).click();
  await expect(page.locator(".react-flow__node").filter({ hasText: "wind_gust_mph" }).first()).toBeVisible();
  await expect(page.locator(".react-flow__edge").nth(20)).toBeAttached();

  await page.getByRole("button", { name: "downstream" }).click();
  await expect(page.locator(".react-flow__node")).toHaveCount(1);
  await page.getByRole("button", { name: "upstream" }).click();
  await page.getByLabel("Depth").selectOption("1");
  await expect(page.locator(".react-flow__node")).toHaveCount(3);
  await page.getByRole("button", { name: "Everything" }).click();
  await expect(page.locator(".react-flow__node")).toHaveCount(16);
});
