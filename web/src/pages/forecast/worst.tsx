// Series by series, the worst first. Order, search and limit are the query's, so a hundred thousand series cost the page no more than ten.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { formatCount, formatDecimal } from "../../format/numbers";
import { Icon } from "../../icons/icon";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { FacetSelect, SearchBox, useSorting } from "../../patterns/list";
import { Loaded } from "../../patterns/problem";
import { StateMark } from "../../patterns/state";
import { Table, type Column } from "../../patterns/table";
import { Link, useFilters, useRouter } from "../../router/router";
import { tellSeries, withSeries } from "./address";
import { headQuery } from "./head-query";
import { worstQuery, type Line } from "./queries";
import type { Shape } from "./shape";
import type { Order } from "./sql-series";
import { CLASSES, inShort, RELATIVE, relativeInWords, ROUNDING, STEPPED, tellModel, treatmentsOf } from "./words";

const PAGE = 25;
const MOST = 1000;
const ORDERS: Order[] = ["backtest", "scored", "coverage", "series"];

export function Worst({ of }: { of: Shape }) {
  const [filters] = useFilters();
  const [limit, setLimit] = useState(PAGE);
  const head = useQuery(headQuery(of)).data;
  const sorting = useSorting(head && head.arrived > 0 ? "scored" : "backtest", true);
  const asked = {
    search: filters.get("search") ?? "",
    class: filters.get("class") ?? "",
    steady: (["steady", "stepped"] as const).find((one) => one === filters.get("steady")) ?? "",
    level: filters.get("level") ?? "",
    order: ORDERS.find((one) => one === sorting.by) ?? "backtest",
    descending: sorting.descending,
    limit,
  } as const;
  // What comes first depends on whether there are scores.
  const query = useQuery({ ...worstQuery(of, asked), enabled: head !== undefined });
  const isFiltered = asked.search !== "" || asked.class !== "" || asked.steady !== "" || asked.level !== "";
  return (
    <Section
      title="Series"
      lead="The largest errors first, as a multiple of the error of the last season repeated: over 1 the forecast is the worse one."
    >
      <div className="filters">
        <SearchBox label={`Search ${of.keys.map((key) => key.name).join(", ")}, class, model`} />
        {head && head.classes.length > 1 && <FacetSelect label="Class" name="class" facets={head.classes} />}
        {head && head.levels.length > 1 && <FacetSelect label="Level" name="level" facets={head.levels} />}
        {head && head.watched > 0 && (
          <FacetSelect
            label="Steady"
            name="steady"
            facets={[
              { value: "steady", count: head.steady },
              { value: "stepped", count: head.watched - head.steady },
            ]}
          />
        )}
      </div>
      <Loaded query={query} lines={8}>
        {({ lines, found }) =>
          lines.length === 0 ? (
            <div className="card">
              {isFiltered ? (
                <NoMatch />
              ) : (
                <Empty icon="empty" title="This version has no series">
                  Its history had none when it was built.
                </Empty>
              )}
            </div>
          ) : (
            <>
              <div className="card" aria-busy={query.isPlaceholderData}>
                <Table
                  caption="Series, worst first"
                  columns={columnsOf(of, !!head && head.arrived > 0)}
                  rows={lines}
                  rowKey={(line) => JSON.stringify(line.series)}
                  sorting={sorting}
                />
              </div>
              <div className="row spread">
                <p className="small muted num" role="status">
                  {formatCount(lines.length)}
                  {found > lines.length && ` of ${formatCount(found)}`} series
                </p>
                {found > lines.length && lines.length < MOST && (
                  <button type="button" className="button" onClick={() => setLimit(Math.min(MOST, limit * 4))}>
                    Show more series
                  </button>
                )}
              </div>
            </>
          )
        }
      </Loaded>
    </Section>
  );
}

function NoMatch() {
  const [, setFilters] = useFilters();
  return (
    <div className="empty">
      <Icon name="search" size={24} />
      <p className="empty-title">No series match these filters</p>
      <button
        type="button"
        className="button"
        onClick={() => setFilters({ search: null, class: null, steady: null, level: null })}
      >
        Clear the filters
      </button>
    </div>
  );
}

function columnsOf(of: Shape, scored: boolean): Column<Line>[] {
  const relative = (error: (line: Line) => number | null) => (line: Line) => (
    <RelativeError error={error(line)} naive={line.naive} />
  );
  const columns: (Column<Line> | false)[] = [
    {
      id: "series",
      header: of.keys.map((key) => key.name).join(", "),
      sort: "series",
      cell: (line) => <SeriesLink of={of} line={line} />,
    },
    scored && {
      id: "scored",
      header: "Error of what came",
      align: "right",
      sort: "scored",
      cell: relative((line) => line.scored),
    },
    { id: "backtest", header: "Backtest error", align: "right", sort: "backtest", cell: relative((line) => line.error) },
    of.levels.length > 0 && {
      id: "coverage",
      header: `Held of ${of.levels.map((level) => level.label.replace(" %", "")).join(", ")} %`,
      align: "right",
      sort: "coverage",
      priority: 2,
      cell: (line) =>
        line.coverage.some((one) => one !== null) &&
        line.coverage.map((one) => (one === null ? "–" : Math.round(one))).join(", ") + " %",
    },
    {
      id: "class",
      header: "Class",
      cell: (line) => (
        <span className="row">
          <span className="tag" title={CLASSES[line.class ?? ""]}>
            {line.class}
          </span>
          {line.steady === false && <StateMark of={STEPPED} />}
        </span>
      ),
    },
    { id: "model", header: "Model", width: "20%", cell: (line) => <span className="muted">{tellModel(line.model ?? "")}</span> },
    {
      id: "treatments",
      header: "Done to it",
      width: "17%",
      roomy: true,
      priority: 2,
      cell: (line) => {
        const words = inShort(treatmentsOf(line.treatments));
        return words ? <span className="muted">{words}</span> : <span className="faint">nothing</span>;
      },
    },
  ];
  return columns.filter((column) => column !== false);
}

function SeriesLink({ of, line }: { of: Shape; line: Line }) {
  const { path, search } = useRouter().place;
  return (
    <span className="row">
      <Link className="name" to={withSeries(path, new URLSearchParams(search), line.series)}>
        {tellSeries(of, line.series).join(", ")}
      </Link>
      {line.series.sum !== null && <span className="tag">sum</span>}
    </span>
  );
}

/** The error as a multiple of the naive one, with a sign of which is better, and the error itself beside it. */
function RelativeError({ error, naive }: { error: number | null; naive: number | null }) {
  const told = relativeInWords(error, naive);
  const exact = error !== null && error <= ROUNDING ? "0" : formatDecimal(error ?? 0);
  if (!told || error === null) return <span className="faint">none</span>;
  const { icon, ink, word } = RELATIVE[told.is];
  return (
    <span className="relative" title={`${exact}, ${told.words}`}>
      <span className={`row ${ink}`}>
        <Icon name={icon} size={12} />
        <span className="hidden-text">{word}: </span>
        {told.short}
      </span>
      <span className="small faint">{exact}</span>
    </span>
  );
}
