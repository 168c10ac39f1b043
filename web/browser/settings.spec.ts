import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

// The server looks at what other processes did twice a minute, and at once while somebody has a page open.
test("what alerts told is listed", async ({ page }) => {
  await page.goto(lockgate.at("/settings?tab=deliveries"));
  await settled(page);
  // A check that cannot pass: what another process holds from now on is told by the server.
  const file = join(lockgate.here().project, "assets/mart/fleet.sql");
  writeFileSync(file, readFileSync(file, "utf8").replace(/^checks:\n/m, "checks:\n  - rows: { min: 1000000 }\n"));
  await command(lockgate.here().project, ["run", "mart.fleet", "--force", "--as-of", "2014-01-01T04:59:59Z"], [3]);
  await expect.poll(() => lockgate.here().told.length, { timeout: 40_000 }).toBeGreaterThan(0);
  await page.reload();
  await settled(page);
  const line = page.getByRole("row").filter({ hasText: "mart.fleet" });
  await expect(line.first()).toContainText("sent");
});
