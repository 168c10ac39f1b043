// From held to published by clicks, and the other ways a person decides: dismissed, suppressed, rolled back.
import { expect, serving, settled, test } from "./test";

test.describe("published by hand", () => {
  const lockgate = serving();

  test("the gate's story", async ({ page, complaints }) => {
    await page.goto(lockgate.at("/"));
    await expect(page.getByText(/Not everything: 1 gate is held and 1 asset is late/)).toBeVisible();
    await expect(page.getByRole("region", { name: "Failing and late" })).toContainText("raw.weather");
    await page.getByRole("link", { name: "Open the gate" }).click();
    await settled(page);

    // Candidate beside published, the failing check with its rows, what changed upstream, which rows differ.
    await expect(page.getByRole("region", { name: /^Published: version/ })).toBeVisible();
    await expect(page.getByRole("region", { name: /^Candidate: version/ })).toContainText("1 failed");
    const failing = page.getByRole("region", { name: "Failing checks" });
    await expect(failing).toContainText(/[\d,]+ of [\d,]+ rows have no weather_at/);
    await expect(failing.getByRole("region", { name: "Sample rows of without_weather" }).getByRole("row").nth(1)).toBeVisible();
    await expect(page.getByRole("region", { name: "What changed upstream" })).toContainText("clean.flights");
    const rows = page.getByRole("region", { name: "Row differences" });
    await rows.getByRole("button", { name: /added/ }).click();
    await expect(rows.getByRole("button", { name: /added/ })).toContainText("776 rows");
    await expect(rows.getByRole("region", { name: "Rows added" })).toContainText("2013-12-31");

    // Not without a reason.
    await page.getByRole("button", { name: "Publish by hand …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: /^Publish version/ }).click();
    expect(await dialog.getByLabel("Reason").evaluate((field: HTMLTextAreaElement) => field.validity.valueMissing)).toBe(true);
    await expect(dialog).toBeVisible();
    const why = "31 December has no weather at all; the flights themselves are complete";
    await dialog.getByLabel("Reason").fill(why);
    await dialog.getByRole("button", { name: /^Publish version/ }).click();
    await expect(page.getByText(/Version \d+ of mart.flight_weather is published/)).toBeVisible();
    await expect(page.getByText("Nothing is held here")).toBeVisible();

    await page.getByRole("link", { name: "Overview", exact: true }).first().click();
    await expect(page.getByText(/Not everything: 1 asset is late/)).toBeVisible();
    await expect(page.getByRole("region", { name: "Held gates" })).toHaveCount(0);

    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Audit log" }).click();
    await settled(page);
    const line = page.getByRole("row").filter({ hasText: why });
    await expect(line.first()).toContainText("published mart.flight_weather");
    await expect(line.first()).toContainText("ada");
    // The gate was asked for again when it changed, and holds nothing any more.
    for (const complaint of complaints.splice(0)) expect(complaint).toBe("409 /api/v1/gates/mart.flight_weather");
  });
});

test.describe("dismissed", () => {
  const lockgate = serving();

  test("with a reason; readers keep what they have", async ({ page, complaints }) => {
    await page.goto(lockgate.at("/gates/mart.flight_weather"));
    await page.getByRole("button", { name: "Dismiss …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reason").fill("the weather of the 31st will be sent again");
    await dialog.getByRole("button", { name: /^Dismiss version/ }).click();
    await expect(page.getByText("Nothing is held here")).toBeVisible();
    complaints.splice(0);
    await page.getByRole("link", { name: "versions", exact: true }).click();
    const newest = page.getByRole("listitem").filter({ hasText: /^version 5/ });
    await expect(newest.first()).toContainText("dismissed");
    await expect(page.getByRole("listitem").filter({ hasText: "live" }).first()).toContainText("version 4");
  });
});

test.describe("on an asset's page", () => {
  const lockgate = serving();

  test("a check is suppressed for a while", async ({ page }) => {
    await page.goto(lockgate.at("/assets/mart.routes"));
    await page.getByRole("button", { name: "Suppress a check …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Limit (optional)").fill("50%");
    await dialog.getByLabel("Reason").fill("the new airports come next week");
    await dialog.getByRole("button", { name: "Suppress", exact: true }).click();
    await expect(page.getByText(/may fail until/)).toBeVisible();
    await expect(page.getByRole("region", { name: "Known failures and suppressions" })).toContainText(
      "the new airports come next week",
    );
    await page.goto(lockgate.at("/settings?tab=suppressions"));
    await expect(page.getByRole("region", { name: "Suppressions" })).toContainText("mart.routes");
  });

  test("it is rolled back", async ({ page }) => {
    await page.goto(lockgate.at("/assets/mart.fleet?tab=versions"));
    await page.getByRole("button", { name: "Roll back …" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByLabel("Restore version")).toContainText("version 2");
    await dialog.getByLabel("Restore version").selectOption("2");
    await dialog.getByLabel("Reason").fill("the makers' names are wrong since then");
    await dialog.getByRole("button", { name: "Roll back", exact: true }).click();
    await expect(page.getByText(/mart.fleet is rolled back: version \d+ is published/)).toBeVisible();
    const newest = page.getByRole("listitem").filter({ hasText: "live" }).first();
    await expect(newest).toContainText("the makers' names are wrong since then");
  });
});
