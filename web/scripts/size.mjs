// Sums the script that the first load of each page needs: the entry and the page's own chunk, with everything they import
// statically, as bytes on disk (not compressed). Chunks that a page asks for after its first paint (the editor, the graph,
// dialogs) are listed apart. Fails when a page is over the limit.
import { readFileSync, statSync } from "node:fs";

const LIMIT_BYTES = 300_000;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const bytesOf = (file) => statSync(new URL(file, dist)).size;

function withImports(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) withImports(next, seen);
  return seen;
}
const sum = (keys) =>
  [...keys].reduce((total, key) => total + (manifest[key].file.endsWith(".js") ? bytesOf(manifest[key].file) : 0), 0);

const theme = statSync(new URL("theme.js", dist)).size;
const entry = withImports("index.html");
const kb = (bytes) => `${(bytes / 1000).toFixed(1).padStart(7)} KB`;
console.log(`${kb(sum(entry) + theme)}  the shell (in every page)`);

let tooLarge = false;
function report(name, keys) {
  const bytes = sum(keys) + theme;
  tooLarge ||= bytes > LIMIT_BYTES;
  console.log(`${kb(bytes)}  ${name}${bytes > LIMIT_BYTES ? "  OVER THE LIMIT" : ""}`);
}
const pages = Object.keys(manifest)
  .filter((key) => /^src\/pages\/[^/]+\.tsx$/.test(key) && manifest[key].isDynamicEntry)
  .sort();
for (const page of pages) {
  const keys = withImports(page, new Set(entry));
  report(page, keys);
  // A tab has an address of its own, so opening it there is a first load too.
  for (const tab of (manifest[page].dynamicImports ?? []).filter((key) => key.endsWith("-tab.tsx")))
    report(`${page} + ${tab.split("/").at(-1)}`, withImports(tab, new Set(keys)));
}

console.log("\nafter the first paint:");
const first = new Set([...entry, ...pages.flatMap((page) => [...withImports(page)])]);
for (const key of Object.keys(manifest)) {
  if (!first.has(key) && manifest[key].file.endsWith(".js"))
    console.log(`${kb(sum([...withImports(key)].filter((k) => !first.has(k))))}  ${key}`);
}
if (tooLarge) {
  console.error(`\na page needs more than ${LIMIT_BYTES / 1000} KB of script`);
  process.exit(1);
}
