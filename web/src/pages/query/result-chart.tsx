import { useState } from "react";
import type { QueryAnswer } from "../../api/types";
import { LineChart } from "../../charts/line-chart";
import { formatCount, formatShort } from "../../format/numbers";
import { guessAxes, isNumber, isTime, MOST_POINTS, thin } from "./chart-data";

const MOST_BARS = 40;

export default function ResultChart({ of }: { of: QueryAnswer }) {
  const [chosen, setAxes] = useState(() => guessAxes(of.columns));
  const axes = chosen && Math.max(chosen.x, ...chosen.y) < of.columns.length ? chosen : guessAxes(of.columns);
  if (!axes || of.rows.length === 0)
    return <p className="muted">A chart needs rows and a column of numbers beside the one it is drawn along.</p>;
  const along = of.columns[axes.x];
  const bars = along !== undefined && !isTime(along.type) && of.rows.length <= MOST_BARS;
  const rows = thin(
    along && isTime(along.type) ? of.rows.toSorted((a, b) => String(a[axes.x]).localeCompare(String(b[axes.x]))) : of.rows,
  );
  const toggle = (column: number) => {
    const y = axes.y.includes(column) ? axes.y.filter((one) => one !== column) : [...axes.y, column].slice(-4);
    setAxes({ ...axes, y: y.length > 0 ? y : axes.y });
  };
  return (
    <div className="stack tight">
      <div className="row wide small">
        <label className="row">
          <span className="muted">Along</span>
          <select
            value={axes.x}
            onChange={(event) =>
              setAxes({ x: Number(event.target.value), y: axes.y.filter((one) => one !== Number(event.target.value)) })
            }
          >
            {of.columns.map((column, i) => (
              <option key={i} value={i}>
                {column.name}
              </option>
            ))}
          </select>
        </label>
        <div role="group" aria-label="Columns to draw" className="row">
          {of.columns.map(
            (column, i) =>
              isNumber(column.type) &&
              i !== axes.x && (
                <label key={i} className="row">
                  <input type="checkbox" checked={axes.y.includes(i)} onChange={() => toggle(i)} />
                  {column.name}
                </label>
              ),
          )}
        </div>
      </div>
      <LineChart
        title={axes.y.map((i) => of.columns[i]?.name).join(", ")}
        positions={rows.map((row) =>
          String(row[axes.x] ?? "null")
            .replace("T", " ")
            .replace(/:00(Z?)$/, "$1"),
        )}
        series={axes.y.map((i) => ({
          label: of.columns[i]?.name ?? "",
          values: rows.map((row) => (typeof row[i] === "number" ? row[i] : row[i] === null ? null : Number(row[i]))),
        }))}
        format={formatShort}
        height={320}
        bars={bars}
      />
      {of.rows.length > MOST_POINTS && (
        <p className="small muted num">
          {formatCount(rows.length)} of {formatCount(of.rows.length)} rows are drawn.
        </p>
      )}
    </div>
  );
}
