// Nothing here touches the pointer.
import { expect, serving, settled, test } from "./test";

const lockgate = serving();

test.beforeEach(async ({ page }) => {
  await page.goto(lockgate.at("/"));
  await settled(page);
});

test("the first stop skips to the page", async ({ page }) => {
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the page" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
});

test("g and a letter go to a page, / searches, t changes times", async ({ page }) => {
  await page.keyboard.press("g");
  await page.keyboard.press("a");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Assets");
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox")).toBeFocused();
  await page.keyboard.type("weather");
  await expect(page.getByRole("row")).toHaveCount(4);
  await expect(page).toHaveURL(/search=weather/);
});

test("? lists the keys, and the focus comes back", async ({ page }) => {
  await page.getByRole("link", { name: "Open the gate" }).focus();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("link", { name: "Open the gate" })).toBeFocused();
});

test("the palette finds an asset", async ({ page }) => {
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: "Asset or page" })).toBeFocused();
  await page.keyboard.type("fleet");
  await expect(page.getByRole("option")).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/assets\/mart\.fleet$/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("mart.fleet");
});

test("a gate is opened, a form filled in and left", async ({ page }) => {
  await page.getByRole("link", { name: "Open the gate" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  const opener = page.getByRole("button", { name: "Dismiss …" });
  await expect(opener).toBeVisible();
  while (!(await opener.evaluate((element) => element === document.activeElement))) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Reason")).toBeFocused();
  await page.keyboard.type("not yet");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(opener).toBeFocused();
});
