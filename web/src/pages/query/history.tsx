// The queries that ran in this browser, newest first. They stay in this browser.
import { useState } from "react";
import { Icon } from "../../icons/icon";
import { Dialog } from "../../patterns/dialog";
import { Empty } from "../../patterns/empty";
import { Time } from "../../patterns/time";

const KEY = "lockgate.queries";
const MOST = 100;
export interface Past {
  sql: string;
  at: string;
}

export function readHistory(): Past[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(stored)
      ? stored.filter((one): one is Past => typeof one?.sql === "string" && typeof one?.at === "string")
      : [];
  } catch {
    return [];
  }
}
export function remember(sql: string): void {
  const past = [{ sql, at: new Date().toISOString() }, ...readHistory().filter((one) => one.sql !== sql)].slice(0, MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify(past));
  } catch {
    // Full or forbidden storage loses the history, not the query.
  }
}

export function HistoryMenu({ onPick }: { onPick: (sql: string) => void }) {
  const [past, setPast] = useState<Past[] | null>(null);
  const clear = () => {
    localStorage.removeItem(KEY);
    setPast([]);
  };
  return (
    <>
      <button type="button" className="button" onClick={() => setPast(readHistory())}>
        <Icon name="clock" size={14} />
        History
      </button>
      {past && (
        <Dialog title="Query history" onClose={() => setPast(null)} wide>
          <div className="dialog-body">
            {past.length === 0 ? (
              <Empty icon="clock" title="No queries yet">
                What you run is kept in this browser, and listed here.
              </Empty>
            ) : (
              <ol className="past">
                {past.map((one) => (
                  <li key={one.at}>
                    <button
                      type="button"
                      onClick={() => {
                        onPick(one.sql);
                        setPast(null);
                      }}
                    >
                      <code>{one.sql.length > 300 ? `${one.sql.slice(0, 300)} …` : one.sql}</code>
                      <span className="small faint">
                        <Time at={one.at} />
                      </span>
                    </button>
                  </li>
                ))}
              </ol>
            )}
          </div>
          {past.length > 0 && (
            <footer className="dialog-foot">
              <button type="button" className="button danger" onClick={clear}>
                Forget all
              </button>
            </footer>
          )}
        </Dialog>
      )}
    </>
  );
}
