// Every page over real data: it renders without a complaint, fits its window, and reads well for everybody.
import AxeBuilder from "@axe-core/playwright";
import { expect, serving, settled, test } from "./test";

const lockgate = serving();

const ASSET = "/assets/mart.flight_weather";
const FORECAST = "/assets/forecast.departures?tab=forecast";
const PAGES: Record<string, string> = {
  overview: "/",
  gate: "/gates/mart.flight_weather",
  "gate-open": "/gates/mart.fleet",
  assets: "/assets",
  asset: ASSET,
  "asset-source": "/assets/raw.weather",
  "asset-versions": `${ASSET}?tab=versions`,
  "asset-checks": `${ASSET}?tab=checks`,
  "asset-profile": `${ASSET}?tab=profile`,
  "asset-preview": `${ASSET}?tab=preview`,
  "asset-code": `${ASSET}?tab=code`,
  "asset-differences": `${ASSET}?tab=diff`,
  forecast: FORECAST,
  "forecast-series": `${FORECAST}&series=JFK&series=B6`,
  lineage: "/lineage",
  "lineage-columns": "/lineage?focus=mart.flight_weather&columns=1",
  runs: "/runs",
  run: "newest run",
  query: "/query",
  audit: "/audit",
  "settings-schedules": "/settings",
  "settings-suppressions": "/settings?tab=suppressions",
  "settings-deliveries": "/settings?tab=deliveries",
  "settings-tokens": "/settings?tab=tokens",
  "not-found": "/nothing/here",
};
const WIDTHS = [1280, 400];
const THEMES = ["light", "dark"] as const;

for (const [name, path] of Object.entries(PAGES)) {
  test(name, async ({ page, request, complaints }) => {
    const newest = async () => {
      const runs = (await (await request.get(lockgate.at("/api/v1/runs?limit=1"))).json()) as { items: { id: string }[] };
      return `/runs/${runs.items[0]?.id}`;
    };
    await page.goto(lockgate.at(path === "newest run" ? await newest() : path));
    await settled(page);
    if (name === "lineage-columns") await expect(page.locator(".react-flow__edge").first()).toBeAttached();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 860 });
      const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(tooWide, `pixels that scroll sideways at ${width} px`).toBeLessThanOrEqual(0);
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({
          path: `test-results/screens/${name}-${width}-${colorScheme}.png`,
          fullPage: true,
          animations: "disabled",
        });
        // Rows of a kind are judged by the first few; hundreds of them take minutes.
        const found = await new AxeBuilder({ page }).exclude("tr:nth-child(n+5)").exclude(".changes li:nth-child(n+5)").analyze();
        const wrong = found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
        expect(wrong, `${width} px, ${colorScheme}`).toEqual([]);
      }
    }
    // The gate of an asset that holds nothing is refused, and the page says so.
    if (name === "gate-open") {
      await expect(page.getByText("Nothing is held here")).toBeVisible();
      expect(complaints.splice(0)).toEqual(["409 /api/v1/gates/mart.fleet"]);
    }
  });
}
