// Results first: how many series, how many of them are worth forecasting, and whether the intervals hold what they promise.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { formatCount, formatDecimal, formatShare, formatUnit } from "../../format/numbers";
import { Icon } from "../../icons/icon";
import { Loaded } from "../../patterns/problem";
import { Time } from "../../patterns/time";
import { headQuery, type Coverage, type Head } from "./head-query";
import type { Shape } from "./shape";

export function HeadView({ of }: { of: Shape }) {
  const query = useQuery(headQuery(of));
  return (
    <Loaded query={query} lines={3}>
      {(head) => <Stats of={head} />}
    </Loaded>
  );
}

function Stats({ of }: { of: Head }) {
  const stepped = of.watched - of.steady;
  return (
    <section aria-label="Results" className="card">
      <dl className="forecast-stats">
        <Stat name="Better than the last season repeated" value={of.compared > 0 ? formatShare(of.better / of.compared) : "–"}>
          {of.compared > 0
            ? `${formatCount(of.better)} of ${formatUnit(of.compared, "series", "series")} in the backtest`
            : "no series has a history that is long enough for a backtest"}
        </Stat>
        <CoverageStat name="Intervals, held in the backtest" of={of.coverage} percent={(one) => one.measured} />
        {of.arrived > 0 && <CoverageStat name="Intervals, held of what came" of={of.coverage} percent={(one) => one.scored} />}
        {of.arrived > 0 && (
          <Stat name="Mean error of what came" value={of.scored === null ? "–" : formatDecimal(of.scored)}>
            {formatUnit(of.arrived, "value")} of {formatUnit(of.scoredSeries, "series", "series")}, against what was forecast before
          </Stat>
        )}
        {of.watched > 0 && (
          <Stat
            name="Steady"
            value={
              <>
                {formatShare(of.steady / of.watched)}
                {stepped > 0 && (
                  <span className="ink-warn">
                    {" "}
                    <Icon name="warning" size={16} />
                  </span>
                )}
              </>
            }
          >
            {stepped > 0
              ? `${formatUnit(stepped, "series", "series")} stepped: the newest errors are far above the usual`
              : "no series has stepped away from what it was"}
          </Stat>
        )}
        <Stat name="Series" value={formatCount(of.series)}>
          {of.sums > 0 && `and ${formatUnit(of.sums, "sum")}, together `}
          {of.classes.map((one) => `${formatCount(one.count)} ${one.value}`).join(", ")}
        </Stat>
        {of.fittedAt && (
          <Stat name="Newest fit" value={<Time at={of.fittedAt} focusable />}>
            when models were last chosen
          </Stat>
        )}
      </dl>
    </section>
  );
}

function Stat({ name, value, children }: { name: string; value: ReactNode; children: ReactNode }) {
  return (
    <div className="stat">
      <dt>{name}</dt>
      <dd>
        <strong className="num">{value}</strong>
        <span className="small muted">{children}</span>
      </dd>
    </div>
  );
}

/** Measured against promised, per level: a bar to what was measured, a stroke where the promise is. */
export function CoverageStat({ name, of, percent }: { name: string; of: Coverage[]; percent: (one: Coverage) => number | null }) {
  const lines = of.flatMap((one) => {
    const measured = percent(one);
    return measured === null ? [] : [{ ...one, measured }];
  });
  if (lines.length === 0) return null;
  return (
    <div className="stat">
      <dt>{name}</dt>
      <dd>
        <ul className="coverage">
          {lines.map((one) => (
            <li key={one.label} title={`${one.label} were promised, ${percentOf(one.measured)} measured`}>
              <span className="num muted">
                of {one.label}
                <span className="hidden-text"> promised:</span>
              </span>
              <svg className="coverage-bar" viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">
                <rect className="track" y="4" width="100" height="6" />
                <rect className="fill" y="4" width={Math.max(0, Math.min(100, one.measured))} height="6" />
                <rect className="promise" x={one.promised - 0.75} width="1.5" height="14" />
              </svg>
              <strong className="num">{percentOf(one.measured)}</strong>
            </li>
          ))}
        </ul>
      </dd>
    </div>
  );
}
export const percentOf = (percent: number): string => formatShare(percent / 100);
