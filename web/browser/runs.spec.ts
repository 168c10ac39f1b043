// Runs: started by the form, watched live, cancelled, retried.
import { lockgate as command } from "./lockgate";
import { expect, serving, settled, test } from "./test";

const lockgate = serving();

test("a run is planned, started and watched to its end", async ({ page }) => {
  await page.goto(lockgate.at("/runs"));
  await page.getByRole("button", { name: "Start a run …" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Assets").fill("mart.fleet mart.routes");
  await dialog.getByText("More options").click();
  await dialog.getByLabel("Force").check();
  await dialog.getByLabel("As of (UTC)").fill("2014-01-01T04:59");
  await dialog.getByRole("button", { name: "Show the plan" }).click();
  await expect(dialog.getByRole("region", { name: "Plan" })).toContainText("The plan builds 2 assets");
  await expect(dialog.getByRole("region", { name: "Plan" })).toContainText("lockgate plan mart.fleet mart.routes --force");
  await dialog.getByRole("button", { name: "Start the run" }).click();

  // Nothing is reloaded from here on: the events bring it.
  await page.waitForURL(/\/runs\/[^/?]+$/);
  await settled(page);
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await expect(page.getByText("2 published")).toBeVisible({ timeout: 40_000 });
  await expect(page.locator("h1 + .mark")).toHaveText("done");
  await expect(page.getByRole("region", { name: "Tasks" }).getByRole("row")).toHaveCount(3);
  await expect(page.getByRole("region", { name: "Events in order" })).toContainText("run ended");
});

test("what another process does is shown as it happens", async ({ page }) => {
  await page.goto(lockgate.at("/runs"));
  await settled(page);
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  const before = await page.getByRole("row").count();
  await command(lockgate.here().project, ["run", "mart.fleet", "--force", "--as-of", "2014-01-01T04:59:59Z"], [0, 3]);
  await expect(page.getByRole("row")).toHaveCount(before + 1);
});

test("a run is cancelled, and retried", async ({ page }) => {
  await page.goto(lockgate.at("/runs"));
  await page.getByRole("button", { name: "Start a run …" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("More options").click();
  await dialog.getByLabel("Force").check();
  await dialog.getByLabel("As of (UTC)").fill("2014-01-01T04:59");
  await dialog.getByRole("button", { name: "Start the run" }).click();
  await page.waitForURL(/\/runs\/[^/?]+$/);
  const first = page.url();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.locator("h1 + .mark")).toHaveText("interrupted", { timeout: 40_000 });

  await page.getByRole("button", { name: "Retry" }).click();
  await expect(page).not.toHaveURL(first);
  await expect(page.getByText(/^as of .*, retry of/)).toBeVisible();
  await expect(page.locator("h1 + .mark")).toHaveText(/done|held/, { timeout: 60_000 });
});
