// Parts that add up, one small chart below the other over the same times, each with a scale of its own. One cursor for all of them.
import { useMemo } from "react";
import { lineOf, nearestOf } from "./bands";
import { formatShort } from "../format/numbers";
import { rangeOf } from "./scale";
import type { TimeKind } from "./time-kind";
import { stepOf, tellTime, timeTicks } from "./time-scale";
import { useReading } from "./use-reading";
import { useWidth } from "./use-width";
import "./charts.css";
import "./band-chart.css";

interface PanelsProps {
  kind: TimeKind;
  times: number[];
  parts: { name: string; values: (number | null)[] }[];
  /** What they add up to. */
  sum: { name: string; values: (number | null)[] };
  format: (value: number) => string;
}

const PANEL = 62;
const GAP = 20;
const LEFT = 62;
const RIGHT = 12;

export function Panels({ kind, times, parts, sum, format }: PanelsProps) {
  const [place, width] = useWidth<HTMLDivElement>(720);
  const height = parts.length * (PANEL + GAP) + 22;
  const from = times[0] ?? 0;
  const to = times.at(-1) ?? 1;
  const inner = Math.max(10, width - LEFT - RIGHT);
  const x = (time: number) => LEFT + (to > from ? ((time - from) / (to - from)) * inner : inner / 2);
  const moments = useMemo(() => times.map((time) => ({ at: time })), [times]);
  const step = stepOf(times);
  const { at, readout, props } = useReading({
    count: times.length,
    left: LEFT,
    inner,
    nearest: (share) => nearestOf(moments, from + share * (to - from)),
  });
  const show = (value: number | null | undefined) => (value === null || value === undefined ? "null" : format(value));
  return (
    <figure className="chart panels" ref={place}>
      <figcaption>
        <span className="small muted">{at === null && `${parts.map((part) => part.name).join(" + ")} = ${sum.name}`}</span>
        <span id={readout} role="status" className="num small muted">
          {at !== null &&
            `${tellTime(times[at] ?? NaN, kind)}: ${parts.map((part) => `${part.name} ${show(part.values[at])}`).join(" + ")} = ${sum.name} ${show(sum.values[at])}`}
        </span>
      </figcaption>
      <svg
        {...props}
        width={width}
        height={height}
        aria-label={`Parts: ${parts.map((part) => part.name).join(", ")} over ${times.length} steps; arrow keys read them`}
      >
        {parts.map((part, i) => {
          const top = i * (PANEL + GAP) + GAP - 4;
          const [low, high] = rangeOf(part.values);
          const y = (value: number) => top + (1 - (value - low) / (high - low)) * PANEL;
          const values = part.values.filter((value) => value !== null);
          const ends = [...new Set([Math.max(...values), Math.min(...values)])];
          const chosen = at === null ? null : (part.values[at] ?? null);
          return (
            <g key={part.name}>
              <text className="panel-name" x={LEFT} y={top - 5}>
                {part.name}
              </text>
              {low < 0 && high > 0 && <line className="panel-zero" x1={LEFT} x2={width - RIGHT} y1={y(0)} y2={y(0)} />}
              {ends.map((end) => (
                <text key={end} className="tick" x={LEFT - 8} y={y(end) + 4} textAnchor="end">
                  {formatShort(end)}
                </text>
              ))}
              <path
                className="panel-line"
                d={lineOf(
                  times.map((time, t) => ({ at: time, value: part.values[t] ?? null })),
                  x,
                  y,
                  step,
                )}
              />
              <line className="axis" x1={LEFT} x2={width - RIGHT} y1={top + PANEL + 2} y2={top + PANEL + 2} />
              {at !== null && chosen !== null && <circle className="panel-dot" cx={x(times[at] ?? 0)} cy={y(chosen)} r={3.5} />}
            </g>
          );
        })}
        {timeTicks(from, to, Math.max(2, Math.floor(inner / 60)), kind).map((tick) => (
          <text
            key={tick.at}
            className="tick"
            x={x(tick.at)}
            y={height - 6}
            textAnchor={x(tick.at) > width - 26 ? "end" : "middle"}
          >
            {tick.label}
          </text>
        ))}
        {at !== null && <line className="cursor" x1={x(times[at] ?? 0)} x2={x(times[at] ?? 0)} y1={6} y2={height - 20} />}
      </svg>
    </figure>
  );
}
