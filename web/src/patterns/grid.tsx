// Rows of a version as they are: text in columns of an unknown number, so this scrolls sideways inside its own frame.
import type { ReactNode } from "react";
import "./grid.css";

type Cell = string | null;
const NUMERIC = /^-?\d[\d,]*(\.\d+)?([eE][+-]?\d+)?$/;

/** Whether a column's values all read as numbers, and so stand to the right. */
export const isNumeric = (values: Cell[]): boolean =>
  values.some((value) => value !== null) && values.every((value) => value === null || NUMERIC.test(value));

interface GridProps {
  label: string;
  columns: { name: string; type?: string }[];
  rows: Cell[][];
  /** A word before each row, such as "added". */
  lead?: ReactNode;
  render?: (value: Cell, row: number, column: number) => ReactNode;
}
export function Grid({ label, columns, rows, render }: GridProps) {
  const right = columns.map((_, i) => isNumeric(rows.map((row) => row[i] ?? null)));
  return (
    <div className="grid-place" role="region" aria-label={label} tabIndex={0}>
      <table className="grid">
        <caption className="hidden-text">{label}</caption>
        <thead>
          <tr>
            {columns.map((column, i) => (
              <th key={i} scope="col" className={right[i] ? "right" : undefined}>
                {column.name}
                {column.type && <span className="type">{column.type}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, r) => (
            <tr key={r}>
              {row.map((value, c) => (
                <td key={c} className={right[c] ? "right" : undefined}>
                  {render ? render(value, r, c) : <Value of={value} />}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Value({ of }: { of: Cell }) {
  if (of === null) return <span className="null">null</span>;
  if (of === "") return <span className="null">empty</span>;
  return <span title={of.length > 60 ? of : undefined}>{of.length > 200 ? `${of.slice(0, 200)} …` : of}</span>;
}
