import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { AssetDetail, ColumnProfile, ProfileHistory } from "../../api/types";
import { profileHistoryQuery } from "../../api/queries";
import { LineChart, type Series } from "../../charts/line-chart";
import { formatBytes, formatCount, formatDecimal, formatShare, formatShort } from "../../format/numbers";
import { formatDuration } from "../../format/times";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { Loaded } from "../../patterns/problem";
import { Table, type Column } from "../../patterns/table";

export default function ProfileTab({ asset }: { asset: AssetDetail }) {
  const query = useQuery(profileHistoryQuery(asset.name));
  return (
    <Loaded query={query} lines={8}>
      {(history) =>
        history.versions.length === 0 ? (
          <div className="card">
            <Empty icon="overview" title="No profile yet" command={`lockgate run ${asset.name}`}>
              A profile is gathered in the same scan as the checks.
            </Empty>
          </div>
        ) : (
          <Trends of={history} />
        )
      }
    </Loaded>
  );
}

function Trends({ of }: { of: ProfileHistory }) {
  const [chosen, setChosen] = useState(of.columns[0]?.name ?? "");
  const positions = of.versions.map((version) => `v${version.number}`);
  const held = of.versions.flatMap((version, i) => (version.state === "held" ? [i] : []));
  const column = of.columns.find((one) => one.name === chosen) ?? of.columns[0];
  return (
    <div className="stack loose">
      <div className="charts">
        <div className="card padded">
          <LineChart
            title="Rows"
            positions={positions}
            series={[{ label: "rows", values: of.versions.map((version) => version.rows) }]}
            format={formatShort}
            marked={held}
          />
        </div>
        <div className="card padded">
          <LineChart
            title="Size"
            positions={positions}
            series={[{ label: "size", values: of.versions.map((version) => version.size_bytes) }]}
            format={formatBytes}
            marked={held}
            fromZero
          />
        </div>
        <div className="card padded">
          <LineChart
            title="Time"
            positions={positions}
            series={[
              { label: "staging", values: of.versions.map((version) => version.build_ms) },
              { label: "auditing", values: of.versions.map((version) => version.audit_ms) },
            ]}
            format={formatDuration}
            marked={held}
            fromZero
          />
        </div>
      </div>
      {column && (
        <Section
          title="Columns"
          lead={held.length > 0 ? "Held versions have a ring." : undefined}
          aside={
            <label className="row small">
              <span className="muted">Trend of</span>
              <select value={column.name} onChange={(event) => setChosen(event.target.value)}>
                {of.columns.map((one) => (
                  <option key={one.name}>{one.name}</option>
                ))}
              </select>
            </label>
          }
        >
          <div className="charts">
            {trendsOf(column.cells, of).map((chart) => (
              <div key={chart.title} className="card padded">
                <LineChart {...chart} positions={positions} marked={held} />
              </div>
            ))}
          </div>
          <ColumnTable of={of} />
        </Section>
      )}
    </div>
  );
}

function trendsOf(
  cells: (ColumnProfile | null)[],
  of: ProfileHistory,
): { title: string; series: Series[]; format: (value: number) => string; fromZero?: boolean }[] {
  const pick = (value: (cell: ColumnProfile, i: number) => number | null | undefined) =>
    cells.map((cell, i) => (cell ? (value(cell, i) ?? null) : null));
  const charts = [
    {
      title: "Null share",
      series: [{ label: "null share", values: pick((cell, i) => cell.nulls / Math.max(1, of.versions[i]?.rows ?? 1)) }],
      format: formatShare,
      fromZero: true,
    },
  ];
  const distinct = pick((cell) => cell.distinct);
  if (distinct.some((value) => value !== null))
    charts.push({
      title: "Distinct values, about",
      series: [{ label: "distinct", values: distinct }],
      format: formatShort,
      fromZero: true,
    });
  if (cells.some((cell) => cell?.mean != null)) {
    const band = (at: number, label: string): Series => ({ label, values: pick((cell) => cell.quantiles?.[at]), faint: true });
    charts.push({
      title: "Mean and quantiles",
      series: [{ label: "mean", values: pick((cell) => cell.mean) }, band(0, "5 %"), band(2, "median"), band(4, "95 %")],
      format: formatDecimal,
    } as (typeof charts)[number]);
  }
  return charts;
}

type Row = { name: string; type: string | null; cell: ColumnProfile | null; rows: number };
/** Bounds come as text; numbers are written as all numbers are, texts are cut where they would widen the table. */
const bound = (row: Row, text: string | null | undefined) => {
  if (text == null) return null;
  if (/^(int|bigint|double|decimal)/.test(row.type ?? "")) return formatDecimal(Number(text));
  return text.length > 24 ? <span title={text}>{text.slice(0, 23)}…</span> : text;
};
const columns: Column<Row>[] = [
  { id: "name", header: "Column", cell: (row) => <code className="name">{row.name}</code> },
  { id: "type", header: "Type", priority: 2, cell: (row) => <code className="muted">{row.type}</code> },
  {
    id: "nulls",
    header: "Null",
    align: "right",
    cell: (row) =>
      row.cell &&
      (row.cell.nulls === 0 ? (
        <span className="faint">none</span>
      ) : (
        `${formatCount(row.cell.nulls)} (${formatShare(row.cell.nulls / Math.max(1, row.rows))})`
      )),
  },
  {
    id: "distinct",
    header: "Distinct, about",
    align: "right",
    cell: (row) => row.cell?.distinct != null && formatCount(row.cell.distinct),
  },
  { id: "min", header: "Min", align: "right", cell: (row) => bound(row, row.cell?.min) },
  {
    id: "mean",
    header: "Mean",
    align: "right",
    priority: 2,
    cell: (row) => row.cell?.mean != null && formatDecimal(row.cell.mean),
  },
  { id: "max", header: "Max", align: "right", cell: (row) => bound(row, row.cell?.max) },
];
function ColumnTable({ of }: { of: ProfileHistory }) {
  const last = of.versions.at(-1);
  const rows = of.columns.map((column) => ({
    name: column.name,
    type: column.type,
    cell: column.cells.at(-1) ?? null,
    rows: last?.rows ?? 0,
  }));
  return (
    <div className="card">
      <Table caption={`Profile of version ${last?.number}`} columns={columns} rows={rows} rowKey={(row) => row.name} />
    </div>
  );
}
