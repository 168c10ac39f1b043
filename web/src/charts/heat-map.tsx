import { useState, type KeyboardEvent, type ReactNode } from "react";
import { Icon, type IconName } from "../icons/icon";
import type { Tone } from "../patterns/state";
import "./charts.css";

export interface HeatCell {
  tone: Tone;
  icon: IconName;
  label: string;
}
interface HeatMapProps {
  label: string;
  columns: { id: string; head: ReactNode; name: string }[];
  rows: { name: string; cells: (HeatCell | null)[] }[];
  /** What is told about the chosen cell, below the map. */
  detail: (row: number, column: number) => ReactNode;
}

/** Rows against columns, each cell a colour and a sign. One tab stop; arrow keys move, Enter or a click chooses. */
export function HeatMap({ label, columns, rows, detail }: HeatMapProps) {
  const [at, setAt] = useState<[number, number]>([0, columns.length - 1]);
  const [chosen, setChosen] = useState<[number, number] | null>(null);
  const press = (event: KeyboardEvent<HTMLElement>) => {
    const step = (
      { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] } as Record<string, [number, number]>
    )[event.key];
    if (!step) return;
    event.preventDefault();
    const row = Math.max(0, Math.min(rows.length - 1, at[0] + step[0]));
    const column = Math.max(0, Math.min(columns.length - 1, at[1] + step[1]));
    setAt([row, column]);
    event.currentTarget.closest("table")?.querySelector<HTMLElement>(`[data-cell="${row}-${column}"]`)?.focus();
  };
  return (
    <div className="stack">
      <div className="heat">
        <table>
          <caption className="hidden-text">{label}</caption>
          <thead>
            <tr>
              <td />
              {columns.map((column) => (
                <th key={column.id} scope="col" aria-label={column.name}>
                  {column.head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, r) => (
              <tr key={row.name}>
                <th scope="row" title={row.name}>
                  <code>{row.name}</code>
                </th>
                {row.cells.map((cell, c) => (
                  <td key={c}>
                    <button
                      type="button"
                      data-cell={`${r}-${c}`}
                      tabIndex={at[0] === r && at[1] === c ? 0 : -1}
                      className={`heat-cell ${cell ? `tone-${cell.tone}` : "none"}`}
                      aria-label={`${row.name}, ${columns[c]?.name ?? ""}: ${cell?.label ?? "was no check then"}`}
                      aria-pressed={chosen?.[0] === r && chosen[1] === c}
                      title={cell?.label ?? "was no check then"}
                      onClick={() => {
                        setChosen([r, c]);
                        setAt([r, c]);
                      }}
                      onKeyDown={press}
                    >
                      {cell && <Icon name={cell.icon} size={12} />}
                    </button>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div role="status">{chosen && detail(chosen[0], chosen[1])}</div>
    </div>
  );
}
