// How long until something is painted: `node scripts/paint.mjs URL` prints the median first contentful paint of five cold loads
// in milliseconds. Cold means a browser of its own with an empty profile each time.
import { chromium } from "@playwright/test";

const LOADS = 5;
const url = process.argv[2];
if (!url) {
  console.error("usage: node scripts/paint.mjs URL");
  process.exit(2);
}

async function painted() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      ...["--no-sandbox", "--disable-gpu", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
    await page.goto(url);
    return await page.evaluate(
      () =>
        new Promise((done) =>
          new PerformanceObserver((list) => {
            const paint = list.getEntriesByName("first-contentful-paint")[0];
            if (paint) done(paint.startTime);
          }).observe({ type: "paint", buffered: true }),
        ),
    );
  } finally {
    await browser.close();
  }
}

const times = [];
for (let load = 0; load < LOADS; load++) times.push(await painted());
console.log(times.toSorted((a, b) => a - b)[Math.floor(LOADS / 2)].toFixed(0));
