// A history with its forecast and bands. The legend tells the values of the moment under the pointer or the arrow keys, so nothing
// covers the picture and the page does not jump.
import { useMemo, type ReactNode } from "react";
import { hasBefore, layout, nearestOf, seenShade, shadeOf, type BandData, type Moment } from "./bands";
import { tellTime } from "./time-scale";
import { useReading } from "./use-reading";
import { useWidth } from "./use-width";
import "./charts.css";
import "./band-chart.css";

interface BandChartProps {
  title: string;
  data: BandData;
  format: (value: number) => string;
  height?: number;
}

export function BandChart({ title, data, format, height = 320 }: BandChartProps) {
  const [place, width] = useWidth<HTMLDivElement>(720);
  const narrow = width < 520;
  const frame = useMemo(
    () => ({ width, height: narrow ? height * 0.8 : height, left: narrow ? 46 : 62, right: 12, top: 10, bottom: 24 }),
    [width, height, narrow],
  );
  const of = useMemo(() => layout(data, frame), [data, frame]);
  const begins = of.moments.findIndex((moment) => moment.expected);
  const { at, readout, props } = useReading({
    count: of.moments.length,
    start: Math.max(0, begins),
    left: frame.left,
    inner: Math.max(1, frame.width - frame.left - frame.right),
    nearest: (share) => nearestOf(of.moments, of.from + share * (of.to - of.from)),
  });
  const moment = at === null ? null : (of.moments[at] ?? null);
  const floor = frame.height - frame.bottom;
  return (
    <div className="chart band-chart" ref={place}>
      <Legend data={data} of={of} moment={moment} format={format} />
      <span id={readout} role="status" className="hidden-text">
        {moment ? sentence(data, moment, format) : ""}
      </span>
      <svg
        {...props}
        width={width}
        height={frame.height}
        aria-label={`${title}: ${data.history.length} values of history, ${data.forecast.length} steps of forecast; arrow keys read them`}
      >
        {of.yTicks.map((tick) => (
          <g key={tick.at}>
            <line className="axis" x1={frame.left} x2={width - frame.right} y1={of.y(tick.at)} y2={of.y(tick.at)} />
            <text className="tick" x={frame.left - 8} y={of.y(tick.at) + 4} textAnchor="end">
              {tick.label}
            </text>
          </g>
        ))}
        {of.xTicks.map((tick) => (
          <g key={tick.at}>
            <line className="axis" x1={of.x(tick.at)} x2={of.x(tick.at)} y1={floor} y2={floor + 4} />
            <text className="tick" x={of.x(tick.at)} y={floor + 17} textAnchor={anchorOf(of.x(tick.at), width)}>
              {tick.label}
            </text>
          </g>
        ))}
        {of.bands.map((band, i) => (
          <path key={band.level} className="band" d={band.path} fillOpacity={shadeOf(i, of.bands.length)} />
        ))}
        {of.begin !== null && <line className="begin" x1={of.begin} x2={of.begin} y1={frame.top} y2={floor} />}
        {of.fan.map((path, i) => (
          <path key={i} className="fan-line" d={path} />
        ))}
        <path className="past-line" d={of.past} />
        <path className="before-line" d={of.before} />
        <path className="forecast-line" d={of.forecast} />
        <path className="since-line" d={of.since} />
        {of.sinceDots.length <= 200 &&
          of.sinceDots.map((dot, i) => <circle key={i} className="since-dot" cx={dot.x} cy={dot.y} r={2} />)}
        {moment && <Cursor x={of.x(moment.at)} moment={moment} y={of.y} top={frame.top} floor={floor} />}
      </svg>
    </div>
  );
}

const anchorOf = (x: number, width: number) => (x > width - 26 ? "end" : "middle");

function Cursor({
  x,
  y,
  moment,
  top,
  floor,
}: {
  x: number;
  y: (value: number) => number;
  moment: Moment;
  top: number;
  floor: number;
}) {
  return (
    <>
      <line className="cursor" x1={x} x2={x} y1={top} y2={floor} />
      {moment.actual !== null && (
        <circle className={moment.expected ? "since-dot" : "past-dot"} cx={x} cy={y(moment.actual)} r={3.5} />
      )}
      {moment.expected?.value != null && <circle className="forecast-dot" cx={x} cy={y(moment.expected.value)} r={3.5} />}
    </>
  );
}

interface LegendProps {
  data: BandData;
  of: ReturnType<typeof layout>;
  moment: Moment | null;
  format: (value: number) => string;
}
function Legend({ data, of, moment, format }: LegendProps) {
  const begin = data.forecast[0]?.at ?? Infinity;
  const hasPast = data.history.some((point) => point.at < begin);
  const hasSince = data.history.some((point) => point.at >= begin);
  const value = (one: number | null | undefined) => (one === null || one === undefined ? "" : format(one));
  const actual = moment ? value(moment.actual) : "";
  return (
    <div className="band-legend small" aria-hidden="true">
      {moment ? (
        <strong className="num band-time">{tellTime(moment.at, data.kind)}</strong>
      ) : (
        <span className="faint band-time">Point at a step, or use the arrow keys</span>
      )}
      {hasPast && (
        <Entry word="history" value={moment && !moment.expected ? actual : ""}>
          <line className="past-line" x1="0" x2="16" y1="5" y2="5" />
        </Entry>
      )}
      <Entry word="forecast" value={value(moment?.expected?.value)}>
        <line className="forecast-line" x1="0" x2="16" y1="5" y2="5" />
      </Entry>
      {data.levels.map((level, i) => {
        const ends = moment?.expected?.bands[i];
        return (
          <Entry
            key={level}
            word={`${level} %`}
            value={ends && ends[0] !== null && ends[1] !== null ? `${format(ends[0])} to ${format(ends[1])}` : ""}
          >
            <rect className="band" width="16" height="10" fillOpacity={seenShade(i, data.levels.length)} />
          </Entry>
        );
      })}
      {hasBefore(data) && (
        <Entry word="forecast before" value={value(moment?.before)}>
          <line className="before-line" x1="0" x2="16" y1="5" y2="5" />
        </Entry>
      )}
      {of.fan.length > 0 && (
        <Entry word="said in the backtest" value={moment ? tellTested(moment, format) : ""}>
          <line className="fan-line" x1="0" x2="16" y1="5" y2="5" />
        </Entry>
      )}
      {hasSince && (
        <Entry word="came since" value={moment?.expected ? actual : ""}>
          <line className="since-line" x1="0" x2="16" y1="5" y2="5" />
          <circle className="since-dot" cx="8" cy="5" r="2" />
        </Entry>
      )}
    </div>
  );
}
function Entry({ word, value, children }: { word: string; value: string; children: ReactNode }) {
  return (
    <span className="band-entry">
      <svg width="16" height="10">
        {children}
      </svg>
      {word}
      {value && <strong className="num">{value}</strong>}
    </span>
  );
}

/** From the lowest to the highest of what origins said of a moment. */
function tellTested({ tested }: Moment, format: (value: number) => string): string {
  if (tested.length === 0) return "";
  const low = format(Math.min(...tested));
  const high = format(Math.max(...tested));
  return low === high ? low : `${low} to ${high}`;
}

function sentence(data: BandData, moment: Moment, format: (value: number) => string): string {
  const parts = [
    moment.expected?.value != null && `forecast ${format(moment.expected.value)}`,
    ...(moment.expected?.bands ?? []).map(
      ([low, high], i) => low !== null && high !== null && `${data.levels[i]} % from ${format(low)} to ${format(high)}`,
    ),
    moment.tested.length > 0 && `the backtest said ${tellTested(moment, format)}`,
    moment.before !== null && `the forecast before ${format(moment.before)}`,
    moment.actual !== null && `${moment.expected ? "came" : "history"} ${format(moment.actual)}`,
  ].filter(Boolean);
  return `${tellTime(moment.at, data.kind)}: ${parts.length > 0 ? parts.join(", ") : "no value"}`;
}
