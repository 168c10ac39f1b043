// An asset as the API tells it, for tests.
import type { AssetDetail } from "../../api/types";

const LIVE = { number: 7 } as AssetDetail["live"];
const TYPES: Record<string, string> = { origin: "string", gate: "int", hour_at: "timestamptz", steady: "boolean", step: "int" };
export function assetOf(names: string, from: string[] = ["origin", "carrier", "hour_at", "departed"], live = LIVE) {
  const lineage = from.map((column) => ({ asset: "mart.departures_hourly", column }));
  return {
    name: "forecast.departures",
    live,
    columns: names.split(" ").map((name) => ({
      ...{ name, type: TYPES[name] ?? (/^(carrier|model|class|choice)$/.test(name) ? "string" : "double") },
      ...{ required: false, pii: false, description: null, from: name === "forecast" ? lineage : [] },
    })),
  };
}
export const OLD =
  "origin carrier hour_at forecast lo_80 hi_80 lo_95 hi_95 model class level trend season known rest backtest_error naive_error coverage_80 coverage_95 treatments choice";
export const NEW = `${OLD} step scored_forecast scored_actual scored_error scored_bias scored_covered_80 scored_covered_95 fitted_at steady`;
