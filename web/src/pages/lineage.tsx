// Where data comes from and goes to. The list beside the graph is the same graph for the keyboard and for screen readers.
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import type { Lineage } from "../api/types";
import { columnLineageQuery, lineageQuery } from "../api/queries";
import { formatUnit } from "../format/numbers";
import { Icon } from "../icons/icon";
import { PageHead } from "../patterns/detail";
import { Empty } from "../patterns/empty";
import { AssetLink, NameText } from "../patterns/name";
import { Loaded, ProblemView, Waiting } from "../patterns/problem";
import { ASSET_STATES, StateMark } from "../patterns/state";
import { useFilters } from "../router/router";
import "../patterns/list.css";
import "./lineage/lineage.css";

const Graph = lazy(() => import("./lineage/graph"));
const NodeList = lazy(() => import("./lineage/node-list"));

/** Columns are drawn for a part of the graph; of everything they would be unreadable. */
const MOST_WITH_COLUMNS = 60;
const DIRECTIONS = [
  ["both", "both ways"],
  ["up", "upstream"],
  ["down", "downstream"],
] as const;

export default function LineagePage() {
  const [filters, setFilters] = useFilters();
  const focus = filters.get("focus");
  const direction = filters.get("direction") ?? "both";
  const depth = Number(filters.get("depth")) || null;
  const query = useQuery(lineageQuery({ focus, direction: focus ? direction : null, depth: focus ? depth : null }));
  const tooMany = (query.data?.nodes.length ?? 0) > MOST_WITH_COLUMNS;
  return (
    <>
      <PageHead
        title="Lineage"
        lead={
          query.data && (
            <span className="num">
              {focus ? (
                <>
                  Around <AssetLink name={focus} />:{" "}
                </>
              ) : (
                ""
              )}
              {formatUnit(query.data.nodes.length, "asset")}, {formatUnit(query.data.edges.length, "edge")}
            </span>
          )
        }
      />
      <div className="filters">
        {focus && (
          <>
            <button type="button" className="button" onClick={() => setFilters({ focus: null, depth: null, direction: null })}>
              <Icon name="back" size={14} />
              Everything
            </button>
            <div role="group" aria-label="Direction" className="choices">
              {DIRECTIONS.map(([value, label]) => (
                <button
                  key={value}
                  type="button"
                  aria-pressed={direction === value}
                  onClick={() => setFilters({ direction: value === "both" ? null : value })}
                >
                  {label}
                </button>
              ))}
            </div>
            <label className="facet">
              <span className="facet-label">Depth</span>
              <select value={depth ?? ""} onChange={(event) => setFilters({ depth: event.target.value })}>
                <option value="">all</option>
                {[1, 2, 3, 4, 5].map((value) => (
                  <option key={value} value={value}>
                    {value}
                  </option>
                ))}
              </select>
            </label>
          </>
        )}
        <button
          type="button"
          className="button"
          aria-pressed={filters.has("columns")}
          disabled={tooMany}
          title={tooMany ? `Columns are shown for up to ${MOST_WITH_COLUMNS} assets: focus on one first` : undefined}
          onClick={() => setFilters({ columns: filters.has("columns") ? null : "1" })}
        >
          <Icon name={filters.has("columns") ? "check" : "plus"} size={14} />
          Columns
        </button>
      </div>
      <Loaded query={query} lines={10}>
        {(lineage) =>
          lineage.nodes.length === 0 ? (
            <div className="card">
              <Empty icon="lineage" title="No assets to draw yet" command="lockgate init --from data/orders.csv">
                Edges come from the SQL itself; there is nothing to declare.
              </Empty>
            </div>
          ) : (
            <Drawn
              of={lineage}
              focus={focus}
              columns={filters.has("columns") && !tooMany}
              onFocus={(name) => setFilters({ focus: name })}
            />
          )
        }
      </Loaded>
    </>
  );
}

function Drawn({
  of,
  focus,
  columns,
  onFocus,
}: {
  of: Lineage;
  focus: string | null;
  columns: boolean;
  onFocus: (name: string) => void;
}) {
  const [chosen, setChosen] = useState<string | null>(focus);
  const names = useMemo(() => of.nodes.map((node) => node.name), [of.nodes]);
  const traced = useQuery({ ...columnLineageQuery(names), enabled: columns });
  const node = of.nodes.find((candidate) => candidate.name === (chosen ?? focus));
  return (
    <div className="lineage">
      <Suspense fallback={<Waiting lines={10} />}>
        <NodeList nodes={of.nodes} chosen={chosen} onChoose={setChosen} />
      </Suspense>
      <div className="stack tight graph-side">
        {traced.isError && columns && <ProblemView error={traced.error} />}
        <div className="card graph-place">
          <Suspense fallback={<Waiting lines={10} />}>
            <Graph
              lineage={of}
              focus={focus}
              chosen={chosen}
              onChoose={setChosen}
              onFocus={onFocus}
              columns={columns ? (traced.data?.edges ?? null) : null}
            />
          </Suspense>
        </div>
        {node && <Around of={of} name={node.name} onFocus={onFocus} onChoose={setChosen} />}
      </div>
    </div>
  );
}

/** The chosen asset's neighbours as text. */
function Around({
  of,
  name,
  onFocus,
  onChoose,
}: {
  of: Lineage;
  name: string;
  onFocus: (name: string) => void;
  onChoose: (name: string) => void;
}) {
  const node = of.nodes.find((candidate) => candidate.name === name);
  if (!node) return null;
  const list = (label: string, names: string[]) => (
    <div>
      <dt>{label}</dt>
      <dd className="row">
        {names.length === 0 && <span className="faint">none</span>}
        {names.slice(0, 12).map((one) => (
          <button key={one} type="button" className="link-button" onClick={() => onChoose(one)}>
            <NameText name={one} />
          </button>
        ))}
        {names.length > 12 && <span className="muted">and {names.length - 12} more</span>}
      </dd>
    </div>
  );
  return (
    <section className="card padded around" aria-label={`Around ${name}`} aria-live="polite">
      <div className="row spread">
        <div className="row">
          <AssetLink name={name} />
          <StateMark of={ASSET_STATES[node.state]} />
          <span className="muted small num">
            {node.kind}
            {node.rows !== null && `, ${formatUnit(node.rows, "row")}`}, {formatUnit(node.columns, "column")}
          </span>
        </div>
        <button type="button" className="button small" onClick={() => onFocus(name)}>
          Focus on it
        </button>
      </div>
      <dl>
        {list(
          "reads",
          of.edges.filter((edge) => edge.to === name && edge.kind === "data").map((edge) => edge.from),
        )}
        {of.edges.some((edge) => edge.to === name && edge.kind === "check") &&
          list(
            "its checks read",
            of.edges.filter((edge) => edge.to === name && edge.kind === "check").map((edge) => edge.from),
          )}
        {list(
          "is read by",
          of.edges.filter((edge) => edge.from === name).map((edge) => edge.to),
        )}
      </dl>
    </section>
  );
}
