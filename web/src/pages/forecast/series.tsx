// One series: its history with the forecast, what the forecast is made of, what was chosen and why, what was done to it before, and
// how the forecast before did.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { codeQuery } from "../../api/queries";
import { BandChart } from "../../charts/band-chart";
import { bandSvg, fileNameOf, lightInk } from "../../charts/band-svg";
import { ontoMoments, type BandData, type Point } from "../../charts/bands";
import { Panels } from "../../charts/panels";
import { formatDecimal, formatUnit } from "../../format/numbers";
import { Icon } from "../../icons/icon";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { Loaded, ProblemView } from "../../patterns/problem";
import { StateMark } from "../../patterns/state";
import { Time } from "../../patterns/time";
import { AssetLink } from "../../patterns/name";
import { Link, useRouter } from "../../router/router";
import { tellSeries, withSeries } from "./address";
import { ChoiceView, TreatmentsView } from "./choice";
import { CoverageStat } from "./head";
import { historyQuery, seriesQuery, type Facts, type SeriesAnswer, type Step } from "./queries";
import { Scored } from "./scored";
import { valueOf, type Shape } from "./shape";
import { spansOf, type Span } from "./spans";
import type { SeriesKey } from "./sql";
import { formatValue } from "./values";
import { CLASSES, RELATIVE, relativeInWords, STEPPED, tellModel } from "./words";

export default function SeriesView({ of, series, focused }: { of: Shape; series: SeriesKey; focused: boolean }) {
  const query = useQuery(seriesQuery(of, series));
  const { path, search } = useRouter().place;
  const heading = useRef<HTMLHeadingElement>(null);
  const isOne = of.keys.length === 0;
  const names = tellSeries(of, series);
  useEffect(() => {
    // After a click in the list the page and the keyboard start at the series.
    if (!focused) return;
    window.scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, [focused]);
  return (
    <div className="stack loose">
      {!isOne && (
        <div className="stack tight">
          <Link className="back-link small" to={withSeries(path, new URLSearchParams(search), null)}>
            <Icon name="back" size={14} />
            All series
          </Link>
          <h2 ref={heading} tabIndex={-1} className="series-title">
            {of.keys.map((key, i) => (
              <span key={key.name}>
                <span className="faint">{key.name} </span>
                {names[i]}
              </span>
            ))}
            {series.sum !== null && <span className="tag">sum</span>}
          </h2>
        </div>
      )}
      <Loaded query={query} lines={12}>
        {(answer) =>
          answer ? (
            <Shown of={of} series={series} answer={answer} />
          ) : (
            <div className="card">
              <Empty icon="search" title="There is no such series">
                Version {of.version} has no forecast of {names.join(", ") || "it"}. A series that ended long ago is not forecast
                any more.
              </Empty>
            </div>
          )
        }
      </Loaded>
    </div>
  );
}

function Shown({ of, series, answer }: { of: Shape; series: SeriesKey; answer: SeriesAnswer }) {
  const { facts, steps } = answer;
  const parts = of.parts
    .map((name, i) => ({ name, values: steps.map((step) => step.parts[i] ?? null) }))
    .filter((part) => part.values.some((value) => value !== null));
  const moving = parts.filter((part) => part.values.some((value) => value !== 0));
  const still = parts.filter((part) => !moving.includes(part)).map((part) => part.name);
  const times = useMemo(() => steps.map((step) => step.at), [steps]);
  return (
    <>
      <FactLine of={facts} shape={of} />
      <Picture of={of} series={series} answer={answer} />
      <div className="series-columns">
        <div className="stack loose">
          {moving.length > 0 && (
            <Section
              title="What it is made of"
              lead="The parts of each step add up to its forecast. Each has a scale of its own."
            >
              <div className="card padded stack tight">
                <Panels
                  kind={of.time.kind}
                  times={times}
                  parts={moving}
                  sum={{ name: "forecast", values: steps.map((step) => step.value) }}
                  format={formatValue}
                />
                {still.length > 0 && (
                  <p className="small muted">
                    {listed(still)} {still.length === 1 ? "is" : "are"} 0 at every step.
                  </p>
                )}
              </div>
            </Section>
          )}
          {of.has("scored_error") && <Scored of={of} steps={steps} />}
        </div>
        <div className="stack loose">
          <ChoiceView json={facts.choice} />
          <TreatmentsView json={facts.treatments} kind={of.time.kind} />
        </div>
      </div>
    </>
  );
}
const listed = (names: string[]): string => {
  const text = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : (names[0] ?? "");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

function FactLine({ of, shape }: { of: Facts; shape: Shape }) {
  const relative = relativeInWords(of.error, of.naive);
  const coverage = shape.levels.map((level, i) => ({
    ...{ label: level.label, promised: level.percent },
    ...{ measured: of.coverage[i] ?? null, scored: null },
  }));
  return (
    <dl className="card series-facts">
      <div>
        <dt>Series</dt>
        <dd className="row">
          <span className="tag">{of.class}</span>
          {of.steady === false && <StateMark of={STEPPED} />}
        </dd>
        <dd className="small muted">
          {of.steady === false
            ? "the newest errors in the backtest are far above the usual: the world has stepped"
            : (CLASSES[of.class ?? ""] ?? "")}
        </dd>
      </div>
      <div>
        <dt>Backtest error</dt>
        <dd>
          {of.error === null ? (
            <span className="muted">no backtest</span>
          ) : (
            <>
              <strong className="num">{formatDecimal(of.error)}</strong>
              {relative && (
                <span className={`small ${RELATIVE[relative.is].ink}`}>
                  <Icon name={RELATIVE[relative.is].icon} size={12} /> {relative.words}
                </span>
              )}
            </>
          )}
        </dd>
      </div>
      <CoverageStat name="Intervals, held in the backtest" of={coverage} percent={(one) => one.measured} />
      <div>
        <dt>Models</dt>
        <dd>
          <strong>{of.model === "none" || !of.model ? "none" : tellModel(of.model)}</strong>
          {of.fittedAt && (
            <span className="small muted">
              chosen <Time at={of.fittedAt} focusable />
            </span>
          )}
        </dd>
      </div>
    </dl>
  );
}

function Picture({ of, series, answer }: { of: Shape; series: SeriesKey; answer: SeriesAnswer }) {
  const { steps } = answer;
  const times = useMemo(() => steps.map((step) => step.at), [steps]);
  const { fan } = answer.facts;
  const spans = useMemo(() => spansOf(times, of.time.kind, fan[0]?.[0]?.at ?? null), [times, of.time.kind, fan]);
  const [span, setSpan] = useState(0);
  const chosen = spans[span] ?? (spans[0] as Span);
  const code = useQuery({ ...codeQuery(of.asset), enabled: of.history !== null && of.history.candidates.length > 1 });
  const value = of.history && valueOf(of.history, code.data?.text);
  const range = { from: chosen.from, to: times.at(-1) ?? chosen.from, limit: chosen.limit };
  const history = useQuery({
    ...historyQuery(of, series, value, range),
    enabled: value !== null,
    placeholderData: keepPreviousData,
  });
  const tested = chosen.tested ? fan : NO_FAN;
  const data = useMemo(() => pictureOf(of, steps, history.data, tested), [of, steps, history.data, tested]);
  const names = tellSeries(of, series);
  const name = names.join(", ");
  const title = name ? `${of.asset} of ${name}` : of.asset;
  const save = () => {
    const told = {
      title,
      subtitle: `${formatUnit(steps.length, "step")} ahead by ${tellModel(answer.facts.model ?? "none")}, version ${of.version}`,
      xLabel: of.time.kind === "instant" ? `${of.time.name} (UTC)` : of.time.name,
      yLabel: value ?? "forecast",
    };
    give(bandSvg(data, told, lightInk()), fileNameOf(of.asset, names));
  };
  return (
    <Section
      title="Forecast"
      lead={
        of.history && value !== null ? (
          <>
            {series.sum !== null && "Sum of "}
            <code>{value}</code> of <AssetLink name={of.history.asset} />
            {of.time.kind === "instant" && ", times in UTC"}
          </>
        ) : (
          !code.isLoading && "Neither lineage nor the asset's file says which column is forecast, so the history is left out."
        )
      }
      aside={
        <>
          {value !== null && spans.length > 1 && (
            <div role="group" aria-label="How much history" className="choices small">
              {spans.map((one, i) => (
                <button key={one.label} type="button" aria-pressed={i === span} onClick={() => setSpan(i)}>
                  {one.label}
                </button>
              ))}
            </div>
          )}
          <button type="button" className="button small" onClick={save} disabled={history.isLoading}>
            <Icon name="download" size={14} />
            Download SVG
          </button>
        </>
      }
    >
      {history.isError && <ProblemView error={history.error} retry={() => void history.refetch()} />}
      <div className="card padded" aria-busy={history.isFetching && history.data === undefined}>
        <BandChart title={title} data={data} format={formatValue} />
      </div>
    </Section>
  );
}

const NO_FAN: Point[][] = [];
function pictureOf(of: Shape, steps: Step[], history: Point[] | undefined, fan: Point[][]): BandData {
  return {
    kind: of.time.kind,
    history: history ?? [],
    forecast: steps,
    before: steps.map(({ at, before }) => ({ at, value: before })),
    fan: ontoMoments(
      fan,
      (history ?? []).map((point) => point.at),
    ),
    levels: of.levels.map((level) => level.label.replace(" %", "")),
  };
}

/** Hands a text to the browser as a file. */
function give(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
