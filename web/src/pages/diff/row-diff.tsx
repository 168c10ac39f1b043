// Which rows differ between two versions, by key. Whole rows for added and removed ones, the changed cells for the others.
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import type { Diff, DiffRows } from "../../api/types";
import { diffQuery } from "../../api/queries";
import { formatCount, formatShare, formatUnit } from "../../format/numbers";
import { Icon, type IconName } from "../../icons/icon";
import { Section } from "../../patterns/detail";
import { Grid, Value } from "../../patterns/grid";
import { Loaded } from "../../patterns/problem";
import { Table, type Column } from "../../patterns/table";
import "./diff.css";

interface RowDiffProps {
  name: string;
  from: number;
  to: number;
  /** What tells rows apart, when a `unique` check names it. */
  keyColumns?: string[];
  columns: string[];
}
export function RowDiff({ name, from, to, keyColumns = [], columns }: RowDiffProps) {
  const [key, setKey] = useState(keyColumns.join(","));
  const query = useQuery(diffQuery(name, from, to, key));
  return (
    <Section
      title="Row differences"
      lead={
        query.data
          ? `Version ${to} against version ${from}, ${query.data.key.length > 0 ? `rows told apart by ${query.data.key.join(", ")}` : "whole rows compared, because no key is known"}.`
          : undefined
      }
      aside={<KeyForm value={key} found={query.data?.key} columns={columns} onChange={setKey} />}
    >
      <Loaded query={query} lines={5}>
        {(diff) => <DiffView of={diff} />}
      </Loaded>
    </Section>
  );
}

function KeyForm({
  value,
  found = [],
  columns,
  onChange,
}: {
  value: string;
  /** What the server takes when nobody says. */
  found?: string[];
  columns: string[];
  onChange: (key: string) => void;
}) {
  const [text, setText] = useState(value);
  const act = (event: FormEvent) => {
    event.preventDefault();
    onChange(
      text
        .split(/[\s,]+/)
        .filter(Boolean)
        .join(","),
    );
  };
  return (
    <form onSubmit={act} className="row key-form">
      <label htmlFor={`key-of-diff`} className="small muted">
        Key
      </label>
      <input
        id="key-of-diff"
        value={text}
        onChange={(event) => setText(event.target.value)}
        placeholder={found.join(", ") || "column, column"}
        list="columns-of-diff"
        size={Math.min(34, Math.max(16, text.length || found.join(", ").length))}
        spellCheck={false}
        className="mono small"
      />
      <datalist id="columns-of-diff">
        {columns.map((column) => (
          <option key={column} value={column} />
        ))}
      </datalist>
      <button type="submit" className="button small">
        Compare
      </button>
    </form>
  );
}

type Shown = "changed" | "added" | "removed";
const PARTS: { id: Shown; icon: IconName; tone: string }[] = [
  { id: "changed", icon: "changed", tone: "warn" },
  { id: "added", icon: "plus", tone: "good" },
  { id: "removed", icon: "minus", tone: "bad" },
];

function DiffView({ of }: { of: Diff }) {
  const [shown, setShown] = useState<Shown>(PARTS.find((part) => of[part.id] > 0)?.id ?? "changed");
  const total = of.added + of.removed + of.changed + of.unchanged;
  return (
    <div className="stack">
      <div className="diff-counts" role="group" aria-label="Which rows to show">
        {PARTS.map((part) => (
          <button key={part.id} type="button" aria-pressed={shown === part.id} onClick={() => setShown(part.id)}>
            <span className={`ink-${part.tone}`}>
              <Icon name={part.icon} size={14} /> {part.id}
            </span>
            <strong className="num">{formatUnit(of[part.id], "row")}</strong>
            <span className="num faint small">{total > 0 ? formatShare(of[part.id] / total) : ""}</span>
          </button>
        ))}
        <div>
          <span className="muted">unchanged</span>
          <strong className="num">{formatUnit(of.unchanged, "row")}</strong>
          <span className="num faint small">{total > 0 ? formatShare(of.unchanged / total) : ""}</span>
        </div>
      </div>
      <Remarks of={of} />
      {shown === "changed" && <Changed of={of} />}
      {shown === "added" && <Whole what="added" rows={of.samples_added} count={of.added} />}
      {shown === "removed" && <Whole what="removed" rows={of.samples_removed} count={of.removed} />}
    </div>
  );
}

function Remarks({ of }: { of: Diff }) {
  const remarks = [
    of.repeated_keys.from + of.repeated_keys.to > 0 &&
      `The key repeats: ${formatCount(of.repeated_keys.from)} times in version ${of.from}, ${formatCount(of.repeated_keys.to)} times in version ${of.to}.`,
    of.null_keys.from + of.null_keys.to > 0 &&
      `The key is null in ${formatUnit(of.null_keys.from, "row")} of version ${of.from} and ${formatUnit(of.null_keys.to, "row")} of version ${of.to}.`,
    of.not_compared.length > 0 &&
      `Not compared: ${of.not_compared.map((column) => `${column.column} (${column.why})`).join(", ")}.`,
    of.files.shared > 0 &&
      `${formatUnit(of.files.shared, "file")} with ${formatUnit(of.files.shared_rows, "row")} are in both versions and were not read.`,
  ].filter((remark) => remark !== false);
  if (remarks.length === 0) return null;
  return (
    <ul className="small muted">
      {remarks.map((remark) => (
        <li key={remark}>{remark}</li>
      ))}
    </ul>
  );
}

type ChangedColumn = Diff["columns"][number];
const columnTable: Column<ChangedColumn>[] = [
  { id: "column", header: "Column", cell: (column) => <code className="name">{column.column}</code> },
  { id: "changed", header: "Changed", align: "right", cell: (column) => formatUnit(column.changed, "row") },
  { id: "share", header: "Share", align: "right", cell: (column) => formatShare(column.share) },
  { id: "as", header: "Compared as", priority: 2, cell: (column) => <span className="muted">{column.compared_as ?? ""}</span> },
];

function Changed({ of }: { of: Diff }) {
  if (of.changed === 0) return <p className="muted">No row changed.</p>;
  const names = [...new Set(of.samples_changed.flatMap((row) => row.cells.map((cell) => cell[0])))];
  const cellOf = (row: number, column: number) =>
    of.samples_changed[row]?.cells.find((cell) => cell[0] === names[column - of.key.length]);
  return (
    <div className="stack">
      <div className="card">
        <Table caption="Changed columns" columns={columnTable} rows={of.columns} rowKey={(column) => column.column} />
      </div>
      <Grid
        label={`${of.samples_changed.length} changed rows`}
        columns={[...of.key, ...names].map((name) => ({ name }))}
        rows={of.samples_changed.map((row) => [
          ...row.key,
          ...names.map((name) => row.cells.find((cell) => cell[0] === name)?.[2] ?? null),
        ])}
        render={(value, row, column) => {
          if (column < of.key.length) return <Value of={value} />;
          const cell = cellOf(row, column);
          if (!cell) return <span className="null">same</span>;
          return (
            <>
              <del>
                <Value of={cell[1]} />
              </del>{" "}
              <Icon name="chevron" size={10} /> <span className="hidden-text">now </span>
              <ins>
                <Value of={cell[2]} />
              </ins>
            </>
          );
        }}
      />
    </div>
  );
}

function Whole({ what, rows, count }: { what: string; rows: DiffRows; count: number }) {
  if (count === 0) return <p className="muted">No row was {what}.</p>;
  return (
    <div className="stack tight">
      <p className="small muted num">
        {formatUnit(rows.rows.length, "sample row")}
        {count > rows.rows.length && ` of ${formatCount(count)}`}
      </p>
      <Grid label={`Rows ${what}`} columns={rows.columns.map((name) => ({ name }))} rows={rows.rows} />
    </div>
  );
}
