// Up to ten thousand rows, of which only those in view are in the page.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import type { QueryAnswer } from "../../api/types";
import { formatCount } from "../../format/numbers";
import { Icon } from "../../icons/icon";

const ROW_PX = 27;
const NUMBERS = /^(u?int|bigint|smallint|double|float|real|decimal|numeric)/i;

export default function Results({ of }: { of: QueryAnswer }) {
  const place = useRef<HTMLDivElement>(null);
  const [sort, setSort] = useState<{ column: number; descending: boolean } | null>(null);
  const rows = useMemo(
    () => (sort ? of.rows.toSorted((a, b) => compare(a[sort.column], b[sort.column]) * (sort.descending ? -1 : 1)) : of.rows),
    [of.rows, sort],
  );
  const widths = useMemo(() => of.columns.map((column, i) => widthOf(column.name, column.type, of.rows, i)), [of]);
  // TanStack Virtual's object changes inside; nothing here is memoised on it.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => place.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const template = { gridTemplateColumns: `56px ${widths.map((width) => `minmax(${width}px, ${width}fr)`).join(" ")}` };
  const press = (column: number) =>
    setSort(sort?.column === column ? (sort.descending ? null : { column, descending: true }) : { column, descending: false });
  if (of.rows.length === 0) return <div className="card padded muted">No rows. The query ran, nothing matches it.</div>;
  return (
    <div className="results" ref={place} role="region" aria-label="Rows of the result" tabIndex={0}>
      <div role="table" aria-rowcount={rows.length + 1} aria-colcount={of.columns.length + 1} aria-label="Result">
        <div role="row" className="result-row result-head" style={template}>
          <span role="columnheader" className="row-number">
            #
          </span>
          {of.columns.map((column, i) => (
            <span
              key={i}
              role="columnheader"
              className={NUMBERS.test(column.type) ? "right" : ""}
              aria-sort={sort?.column === i ? (sort.descending ? "descending" : "ascending") : undefined}
            >
              <button type="button" onClick={() => press(i)} title={`${column.name}: ${column.type}`}>
                {column.name}
                {sort?.column === i && <Icon name={sort.descending ? "down" : "up"} size={11} />}
                <span className="type">{column.type}</span>
              </button>
            </span>
          ))}
        </div>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }} role="rowgroup">
          {virtual.getVirtualItems().map((item) => (
            <div
              key={item.index}
              role="row"
              aria-rowindex={item.index + 2}
              className="result-row"
              style={{
                ...template,
                transform: `translateY(${item.start}px)`,
                position: "absolute",
                top: 0,
                left: 0,
                right: 0,
                height: ROW_PX,
              }}
            >
              <span role="rowheader" className="row-number">
                {formatCount(item.index + 1)}
              </span>
              {rows[item.index]?.map((value, c) => (
                <Cell key={c} value={value} right={NUMBERS.test(of.columns[c]?.type ?? "")} />
              ))}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

function Cell({ value, right }: { value: unknown; right: boolean }) {
  if (value === null || value === undefined)
    return (
      <span role="cell" className={`null${right ? " right" : ""}`}>
        null
      </span>
    );
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return (
    <span role="cell" className={right ? "right" : ""} title={text.length > 24 ? text : undefined}>
      {text}
    </span>
  );
}

/** From the first rows, in pixels of the monospaced face; between 70 and 340. */
function widthOf(name: string, type: string, rows: unknown[][], column: number): number {
  let most = Math.max(name.length + 2, type.length + 1);
  for (const row of rows.slice(0, 60)) most = Math.max(most, String(row[column] ?? "null").length);
  return Math.round(Math.min(340, Math.max(70, most * 7.6 + 24)));
}

function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1; // nulls last
  if (b === null || b === undefined) return -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
