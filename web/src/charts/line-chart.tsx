// Lines over shared positions, with the values under the pointer or the arrow keys. Small on purpose: no zoom, no legend toggles.
import { rangeOf, ticksOf } from "./scale";
import { useReading } from "./use-reading";
import { useWidth } from "./use-width";
import "./charts.css";

export interface Series {
  label: string;
  values: (number | null)[];
  /** Drawn as a faint band edge instead of a line of its own. */
  faint?: boolean;
}
interface LineChartProps {
  title: string;
  /** What stands below each position, and in the read-out. */
  positions: string[];
  series: Series[];
  format: (value: number) => string;
  height?: number;
  fromZero?: boolean;
  marked?: number[];
  bars?: boolean;
}

const LEFT = 62;
const BOTTOM = 20;
const TOP = 8;
const RIGHT = 10;

export function LineChart({
  title,
  positions,
  series,
  format,
  height = 150,
  fromZero = false,
  marked = [],
  bars = false,
}: LineChartProps) {
  const [place, width] = useWidth<HTMLDivElement>(420);
  const count = positions.length;
  const [low, high] = rangeOf(
    series.flatMap((one) => one.values),
    fromZero || bars,
  );
  const inner = Math.max(10, width - LEFT - RIGHT);
  const x = (i: number) => LEFT + (bars ? ((i + 0.5) / count) * inner : count <= 1 ? inner / 2 : (i / (count - 1)) * inner);
  const y = (value: number) => TOP + (1 - (value - low) / (high - low)) * (height - TOP - BOTTOM);
  const { at, readout, props } = useReading({
    count,
    left: LEFT,
    inner,
    nearest: (share) => (bars ? Math.floor(share * count) : Math.round(share * (count - 1))),
  });
  const labelPx = 28 + 6.6 * positions.reduce((most, position) => Math.max(most, position.length), 0);
  const every = Math.max(1, Math.ceil(count / Math.max(1, Math.floor(inner / labelPx))));
  const drawn = series.filter((one) => !one.faint).length;
  return (
    <figure className="chart" ref={place}>
      <figcaption>
        <strong>{title}</strong>
        <span id={readout} role="status" className="num small muted">
          {at === null ? (
            drawn > 1 ? (
              <Legend series={series} />
            ) : (
              ""
            )
          ) : (
            `${positions[at]}: ${series.map((one) => `${series.length > 1 ? `${one.label} ` : ""}${show(one.values[at], format)}`).join(", ")}`
          )}
        </span>
      </figcaption>
      {}
      <svg {...props} width={width} height={height} aria-label={`${title}, ${count} values; arrow keys read them`}>
        {ticksOf(low, high).map((tick) => (
          <g key={tick}>
            <line className="axis" x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} />
            <text className="tick" x={LEFT - 8} y={y(tick) + 4} textAnchor="end">
              {format(tick)}
            </text>
          </g>
        ))}
        {positions.map((position, i) =>
          i % every === 0 && (count - 1 - i >= every || i + every >= count) ? (
            <text
              key={i}
              className="tick"
              x={x(i)}
              y={height - 4}
              textAnchor={x(i) > width - (labelPx - 28) / 2 ? "end" : x(i) < (labelPx - 28) / 2 ? "start" : "middle"}
            >
              {position}
            </text>
          ) : null,
        )}
        {bars
          ? series.map((one, s) =>
              one.values.map((value, i) =>
                value === null ? null : (
                  <rect
                    key={`${s}-${i}`}
                    className={`bar series-${s + 1}`}
                    x={x(i) - (inner / count) * 0.38 + (s * (inner / count) * 0.76) / series.length}
                    width={Math.max(1, ((inner / count) * 0.76) / series.length)}
                    y={Math.min(y(value), y(Math.max(0, low)))}
                    height={Math.max(1, Math.abs(y(value) - y(Math.max(0, low))))}
                  />
                ),
              ),
            )
          : series.map((one, s) => (
              <path
                key={one.label}
                className={`line series-${s + 1}${one.faint ? " faint-line" : ""}`}
                d={pathOf(one.values, x, y)}
              />
            ))}
        {!bars &&
          count <= 60 &&
          series.map(
            (one, s) =>
              !one.faint &&
              one.values.map((value, i) =>
                value === null ? null : (
                  <circle
                    key={`${s}-${i}`}
                    className={`dot series-${s + 1}${marked.includes(i) ? " marked" : ""}`}
                    cx={x(i)}
                    cy={y(value)}
                    r={marked.includes(i) ? 4.5 : at === i ? 4 : 2}
                  />
                ),
              ),
          )}
        {at !== null && <line className="cursor" x1={x(at)} x2={x(at)} y1={TOP} y2={height - BOTTOM} />}
      </svg>
    </figure>
  );
}

const show = (value: number | null | undefined, format: (value: number) => string) =>
  value === null || value === undefined ? "null" : format(value);

function pathOf(values: (number | null)[], x: (i: number) => number, y: (value: number) => number): string {
  let path = "";
  let pen = false;
  values.forEach((value, i) => {
    if (value === null) pen = false;
    else {
      path += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = true;
    }
  });
  return path;
}

function Legend({ series }: { series: Series[] }) {
  return series.map((one, s) =>
    one.faint ? null : (
      <span key={one.label} className="legend">
        <svg width="14" height="8" aria-hidden="true">
          <line className={`line series-${s + 1}`} x1="0" x2="14" y1="4" y2="4" />
        </svg>
        {one.label}
      </span>
    ),
  );
}
