// The table of every list. Wide enough it is a table; in a narrow place its rows become cards with the column's name before each value.
import type { ReactNode } from "react";
import { Icon } from "../icons/icon";
import "./table.css";

export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  align?: "right";
  /** 1 always (default), 2 hides below 900 px of the table's own width, 3 below 1,150 px; cards show 1 and 2. */
  priority?: 1 | 2 | 3;
  /** The name to sort by, when the server can. */
  sort?: string;
  width?: string;
  /** Takes a whole line of a card. */
  roomy?: boolean;
}
export interface Sorting {
  by: string;
  descending: boolean;
  set: (by: string, descending: boolean) => void;
}
interface TableProps<T> {
  caption: string;
  columns: Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string | number;
  sorting?: Sorting;
  rowClass?: (row: T) => string;
}

export function Table<T>({ caption, columns, rows, rowKey, sorting, rowClass }: TableProps<T>) {
  return (
    <div className="table-place">
      <table className="table" role="table">
        <caption className="hidden-text">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <Header key={column.id} column={column} sorting={sorting} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row" className={rowClass?.(row)}>
              {columns.map((column, i) =>
                i === 0 ? (
                  <th key={column.id} scope="row" role="rowheader">
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.id} role="cell" className={classOf(column)} data-label={column.header}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
const classOf = (column: Column<never>): string =>
  `${column.align === "right" ? "right num " : ""}${column.roomy ? "roomy " : ""}priority-${column.priority ?? 1}`;

function Header<T>({ column, sorting }: { column: Column<T>; sorting: Sorting | undefined }) {
  const by = column.sort;
  const active = sorting && by !== undefined && sorting.by === by;
  return (
    <th
      scope="col"
      role="columnheader"
      className={classOf(column as Column<never>)}
      style={column.width ? { width: column.width } : undefined}
      aria-sort={active ? (sorting.descending ? "descending" : "ascending") : undefined}
    >
      {sorting && by !== undefined ? (
        <button type="button" className="sort" onClick={() => sorting.set(by, active ? !sorting.descending : false)}>
          {column.header}
          <Icon name={active && sorting.descending ? "down" : "up"} size={12} className={active ? "" : "inactive"} />
        </button>
      ) : (
        column.header || <span className="hidden-text">Actions</span>
      )}
    </th>
  );
}
