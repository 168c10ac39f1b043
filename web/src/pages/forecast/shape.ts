// What the table of a forecast holds, derived from its columns and their lineage: which columns tell series apart, which is the
// time, which levels and parts there are, what is scored, and where the history stands.
import type { AssetDetail, ColumnInfo } from "../../api/types";
import { kindOf, type TimeKind } from "../../charts/time-kind";

export interface Level {
  /** As it stands in names of columns: `80`, `99_5`. */
  id: string;
  /** For people: `80 %`, `99.5 %`. */
  label: string;
  percent: number;
}
export interface Key {
  name: string;
  type: string;
}
export interface History {
  asset: string;
  /** Columns of numbers that forecasts are made from: the value, and those that are known ahead. */
  candidates: string[];
}
export interface Shape {
  asset: string;
  version: number;
  /** The columns that tell series apart; none when there is one series only. */
  keys: Key[];
  time: Key & { kind: TimeKind };
  levels: Level[];
  /** Levels whose interval is scored when actual values arrive. */
  scoredLevels: Level[];
  parts: string[];
  /** Sums of series stand beside them; a column `hierarchy` says which columns a sum keeps. */
  hasSums: boolean;
  has: (column: string) => boolean;
  /** Null where lineage does not name one asset. */
  history: History | null;
}

const PARTS = ["level", "trend", "season", "known", "rest"];

/** Null when the columns are not those of a forecast, or nothing is published. */
export function shapeOf(asset: Pick<AssetDetail, "name" | "columns" | "live">): Shape | null {
  const first = asset.columns.findIndex((column) => column.name === "forecast");
  const time = asset.columns[first - 1];
  if (!asset.live || !time) return null;
  const names = new Set(asset.columns.map((column) => column.name));
  const has = (column: string) => names.has(column);
  const keys = asset.columns.slice(0, first - 1).map(({ name, type }) => ({ name, type }));
  const own = asset.columns.slice(first).map((column) => column.name);
  const levels = own.flatMap((name) => (/^lo_/.test(name) && has(`hi_${name.slice(3)}`) ? [levelOf(name.slice(3))] : []));
  return {
    asset: asset.name,
    version: asset.live.number,
    keys,
    time: { name: time.name, type: time.type, kind: kindOf(time.type) },
    levels: levels.toSorted((a, b) => a.percent - b.percent),
    scoredLevels: levels.filter((level) => has(`scored_covered_${level.id}`)),
    parts: PARTS.filter(has),
    hasSums: keys.length > 0 && has("hierarchy"),
    has,
    history: historyOf(asset.columns[first], [...keys.map((key) => key.name), time.name]),
  };
}

function levelOf(id: string): Level {
  const text = id.replace("_", ".");
  return { id, label: `${text} %`, percent: Number(text) };
}

/** Of the columns that `forecast` is made from, those that neither name series nor are the time. */
function historyOf(forecast: ColumnInfo | undefined, others: string[]): History | null {
  const from = forecast?.from ?? [];
  const names = new Set(others.map((name) => name.toLowerCase()));
  const candidates = from.filter((one) => !names.has(one.column.toLowerCase()));
  const asset = candidates[0]?.asset;
  if (!asset || from.some((one) => one.asset !== asset)) return null;
  return { asset, candidates: candidates.map((one) => one.column) };
}

/** Which of the candidates is forecast: the only one, or the one that the asset's file names; null when neither says. */
export function valueOf(history: History, file: string | undefined): string | null {
  if (history.candidates.length === 1) return history.candidates[0] ?? null;
  const said = /^value:[ \t]*(?:"([^"]+)"|'([^']+)'|([^\s#]+))/m.exec(file ?? "");
  const name = said?.[1] ?? said?.[2] ?? said?.[3];
  return history.candidates.find((candidate) => candidate === name) ?? null;
}

/** What `hierarchy` says of the series themselves. */
export const leafName = (of: Pick<Shape, "keys">): string => of.keys.map((key) => key.name).join(", ");
/** Which columns tell a sum apart; those of a series are all of them. */
export function keptKeys(of: Pick<Shape, "keys">, sum: string | null): boolean[] {
  if (sum === null) return of.keys.map(() => true);
  const names = sum === "total" ? [] : sum.split(", ");
  return of.keys.map((key) => names.includes(key.name));
}
