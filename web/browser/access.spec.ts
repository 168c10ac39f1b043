// A server that wants a token: nothing without one, reading for a viewer.
import { lockgate as command } from "./lockgate";
import { expect, expected, serving, settled, test } from "./test";

const lockgate = serving(["--sign-in"]);
const token = async (name: string, role: string) => {
  const made = await command(lockgate.here().project, ["token", "create", "--name", name, "--role", role, "--json"]);
  return (JSON.parse(made) as { secret: string }).secret;
};

test("a wrong token is refused, a viewer reads and changes nothing", async ({ page, complaints }) => {
  await page.goto(lockgate.at("/"));
  const field = page.getByLabel("API token");
  await field.fill("lgt_nothing");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await field.fill(await token("vera", "viewer"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await settled(page);
  await expect(page.getByText("vera · viewer")).toBeVisible();
  expected(complaints, /^401 /);

  await page.getByRole("link", { name: "Open the gate" }).click();
  await expect(page.getByRole("button", { name: "Publish by hand …" })).toBeDisabled();
  await expect(page.getByRole("button", { name: "Dismiss …" })).toBeDisabled();
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Runs" }).click();
  await expect(page.getByRole("button", { name: "Start a run …" })).toBeDisabled();
  await page.goto(lockgate.at("/assets/mart.fleet?tab=checks"));
  for (const button of await page.getByRole("button", { name: /Suppress|Roll back|^Run/ }).all())
    await expect(button).toBeDisabled();
  await page.goto(lockgate.at("/settings"));
  await expect(page.getByRole("link", { name: "API tokens" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Pause …" }).first()).toBeDisabled();

  // A question that a form cannot ask is refused by the server as well.
  const refused = await page.request.post(lockgate.at("/api/v1/runs"), { data: {}, headers: { origin: lockgate.at("") } });
  expect(refused.status()).toBe(403);

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("API token")).toBeVisible();
  expected(complaints, /^401 /);
});

test("an admin makes a token, sees it once, and revokes it", async ({ page, complaints }) => {
  await page.goto(lockgate.at("/settings?tab=tokens"));
  await page.getByLabel("API token").fill(await token("root", "admin"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Create a token …" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Name").fill("nightly-export");
  await form.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("dialog")).toContainText(/lgt_[0-9a-f]{64}/);
  await page.getByRole("button", { name: "I have copied it" }).click();
  const line = page.getByRole("row").filter({ hasText: "nightly-export" });
  await expect(line).toContainText("viewer");
  await line.getByRole("button", { name: "Revoke …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(line).toContainText("revoked");
  expected(complaints, /^401 /);
});
