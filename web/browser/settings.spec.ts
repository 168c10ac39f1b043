import { lockgate as command } from "./lockgate";
import { expect, serving, settled, test } from "./test";

const lockgate = serving();

test("a schedule is paused, resumed and started", async ({ page }) => {
  await page.goto(lockgate.at("/settings"));
  const line = page.getByRole("row").filter({ hasText: "weekly_fleet" });
  await expect(line).toContainText("0 6 * * 1");
  await line.getByRole("button", { name: "Pause …" }).click();
  await page.getByLabel("Reason").fill("nobody looks at it in January");
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await expect(line).toContainText("nobody looks at it in January");
  await line.getByRole("button", { name: "Resume …" }).click();
  await page.getByLabel("Reason").fill("January is over");
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await expect(line.getByRole("button", { name: "Pause …" })).toBeVisible();
  await line.getByRole("button", { name: "Run now …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Start the run" }).click();
  await page.waitForURL(/\/runs\//);
  await expect(page.locator("h1 + .mark")).toHaveText("done", { timeout: 40_000 });
});

test("what alerts told is listed", async ({ page }) => {
  // A day later there is no weather yet: what another process finds late is told by the server.
  await command(lockgate.here().project, ["run", "raw.weather", "--as-of", "2014-01-02T23:59:59-05:00"], [3]);
  await expect.poll(() => lockgate.here().told.length, { timeout: 20_000 }).toBeGreaterThan(0);
  await page.goto(lockgate.at("/settings?tab=deliveries"));
  await settled(page);
  const line = page.getByRole("row").filter({ hasText: "raw.weather" });
  await expect(line.first()).toContainText("sent");
});
