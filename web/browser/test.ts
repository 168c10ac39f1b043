// `test` with a page that is watched: whatever a browser complains about fails the test.
import { test as base, expect, type Page } from "@playwright/test";
import { serve, type Serving } from "./lockgate";

export { expect };

interface Fixtures {
  /** What the page complained about: errors in the console, failed requests, violations of the content security policy. */
  complaints: string[];
}

export const test = base.extend<Fixtures>({
  complaints: [
    async ({ context }, use) => {
      const complaints: string[] = [];
      context.on("console", (message) => {
        // Answers over 400 are told below, with their address.
        const isAnswer = message.text().startsWith("Failed to load resource");
        if (["error", "warning"].includes(message.type()) && !isAnswer) complaints.push(`${message.type()}: ${message.text()}`);
      });
      context.on("weberror", (error) => complaints.push(`thrown: ${error.error().stack ?? error.error().message}`));
      context.on("response", (response) => {
        if (response.status() >= 400) complaints.push(`${response.status()} ${new URL(response.url()).pathname}`);
      });
      context.on("requestfailed", (request) => {
        const why = request.failure()?.errorText ?? "";
        // What a page no longer needs when it is left.
        if (!why.includes("ERR_ABORTED")) complaints.push(`failed: ${request.url()} ${why}`);
      });
      await context.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", (event) =>
          console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI}`),
        );
      });
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

/** Starts a server for the tests of a file. */
export function serving(words: string[] = []): { at: (path: string) => string; here: () => Serving } {
  let server: Serving | undefined;
  test.beforeAll(async () => {
    server = await serve(words);
  });
  test.afterAll(async () => server?.stop());
  const here = () => server as Serving;
  return { at: (path) => here().url + path, here };
}

/** Until the page has what it asked for. */
export async function settled(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".waiting")).toHaveCount(0);
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
}

/** Takes out what a test provoked on purpose. */
export function expected(complaints: string[], pattern: RegExp): void {
  for (let i = complaints.length - 1; i >= 0; i--) if (pattern.test(complaints[i] as string)) complaints.splice(i, 1);
}
