// SQL over published versions. The editor and the results' table come after the first paint; typing starts in a plain field.
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { cancelQuery, query as send } from "../api/client";
import type { QueryAnswer } from "../api/types";
import { formatCount, formatUnit } from "../format/numbers";
import { formatDuration } from "../format/times";
import { Icon } from "../icons/icon";
import { PageHead } from "../patterns/detail";
import { Empty } from "../patterns/empty";
import { AssetLink } from "../patterns/name";
import { say } from "../patterns/notice";
import { ProblemView, Waiting } from "../patterns/problem";
import { Took } from "../patterns/time";
import { navigate, useRouter } from "../router/router";
import { download } from "./query/download";
import { HistoryMenu, remember } from "./query/history";
import { queryHash, queryOf } from "./query/share";
import "./query/query.css";

const Editor = lazy(() => import("./query/editor"));
const Results = lazy(() => import("./query/results"));
const ResultChart = lazy(() => import("./query/result-chart"));

const FIRST = "select *\nfrom lockgate.versions\nlimit 100";
const LIMIT_ROWS = 10_000;

interface Running {
  abort: AbortController;
  from: string;
  id: string | null;
}

export default function QueryPage() {
  const { hash } = useRouter().place;
  const shared = queryOf(hash);
  const [sql, setSql] = useState(shared ?? FIRST);
  const [seen, setSeen] = useState(shared);
  if (shared !== seen) {
    setSeen(shared);
    if (shared !== null) setSql(shared);
  }
  const [at, setAt] = useState("");
  const [answer, setAnswer] = useState<QueryAnswer | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [running, setRunning] = useState<Running | null>(null);
  const [view, setView] = useState<"table" | "chart">("table");
  const current = useRef<Running | null>(null);

  const run = useCallback(async () => {
    if (sql.trim() === "" || current.current) return;
    const mine: Running = { abort: new AbortController(), from: new Date().toISOString(), id: null };
    current.current = mine;
    setRunning(mine);
    setError(null);
    remember(sql);
    navigate(location.pathname + queryHash(sql), { replace: true });
    try {
      const response = await send(
        { sql, format: "json", limit: LIMIT_ROWS, ...(at ? { at: instant(at) } : {}) },
        mine.abort.signal,
      );
      mine.id = response.headers.get("lockgate-query-id");
      setAnswer((await response.json()) as QueryAnswer);
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === "AbortError") say("The query is cancelled.");
      else setError(cause);
    } finally {
      current.current = null;
      setRunning(null);
    }
  }, [sql, at]);
  const cancel = () => {
    const mine = current.current;
    if (!mine) return;
    // Closing the connection stops the query; telling the server by name also reaches one that a proxy keeps alive.
    if (mine.id) void cancelQuery(mine.id).catch(() => undefined);
    mine.abort.abort();
  };
  useEffect(() => () => current.current?.abort.abort(), []);
  const share = async () => {
    navigate(location.pathname + queryHash(sql), { replace: true });
    try {
      await navigator.clipboard.writeText(location.href);
      say("The link is copied.");
    } catch {
      say("The address of this page is the link.");
    }
  };
  const save = (format: "csv" | "arrow" | "json") =>
    void download({ sql, format, ...(at ? { at: instant(at) } : {}) }).catch(setError);
  const plain = useMemo(
    () => (
      <textarea
        className="plain-editor mono"
        aria-label="SQL"
        value={sql}
        onChange={(event) => setSql(event.target.value)}
        rows={8}
        spellCheck={false}
      />
    ),
    [sql],
  );
  return (
    <>
      <PageHead title="Query" actions={<HistoryMenu onPick={setSql} />} />
      <div className="stack">
        <div className="card query-card">
          <Suspense fallback={plain}>
            <Editor value={sql} onChange={setSql} onRun={run} />
          </Suspense>
          <div className="row spread query-bar">
            <div className="row">
              {running ? (
                <button type="button" className="button danger" onClick={cancel}>
                  <Icon name="stop" size={14} />
                  Cancel <Took from={running.from} to={null} />
                </button>
              ) : (
                <button type="button" className="button primary" onClick={() => void run()}>
                  <Icon name="play" size={14} />
                  Run <kbd>Ctrl Enter</kbd>
                </button>
              )}
              <label className="facet">
                <span className="facet-label">At (UTC)</span>
                <input
                  type="datetime-local"
                  value={at}
                  onChange={(event) => setAt(event.target.value)}
                  title="Read the versions that were published at this time; now when empty"
                />
              </label>
            </div>
            <div className="row">
              <button type="button" className="button quiet small" onClick={() => void share()}>
                <Icon name="share" size={14} />
                Link
              </button>
              {(["csv", "json", "arrow"] as const).map((format) => (
                <button
                  key={format}
                  type="button"
                  className="button quiet small"
                  onClick={() => save(format)}
                  aria-label={`Download the whole result as ${format}`}
                >
                  <Icon name="download" size={14} />
                  {format === "arrow" ? "Arrow" : format.toUpperCase()}
                </button>
              ))}
            </div>
          </div>
        </div>
        {error !== null && <ProblemView error={error} />}
        {answer ? (
          <section aria-label="Result" className="stack tight" aria-busy={running !== null}>
            <div className="row spread">
              <p className="muted small num" role="status">
                {answer.truncated ? `The first ${formatUnit(answer.rows.length, "row")}` : formatUnit(answer.row_count, "row")},{" "}
                {formatUnit(answer.columns.length, "column")}, {formatDuration(answer.duration_ms)}
                {answer.cached && ", from the cache"}
                {answer.truncated && ". A download has all of them."}
              </p>
              <div role="group" aria-label="Show the result as" className="choices">
                {(["table", "chart"] as const).map((one) => (
                  <button key={one} type="button" aria-pressed={view === one} onClick={() => setView(one)}>
                    {one}
                  </button>
                ))}
              </div>
            </div>
            <Suspense fallback={<Waiting lines={8} />}>
              {view === "table" ? (
                <Results of={answer} />
              ) : (
                <div className="card padded">
                  <ResultChart of={answer} />
                </div>
              )}
            </Suspense>
            {Object.keys(answer.versions).length > 0 && (
              <p className="small muted row">
                Read:{" "}
                {Object.entries(answer.versions).map(([name, version]) => (
                  <span key={name}>
                    <AssetLink name={name} /> <span className="num">version {formatCount(version)}</span>
                  </span>
                ))}
              </p>
            )}
          </section>
        ) : (
          error === null &&
          !running && (
            <div className="card">
              <Empty icon="query" title="No result yet">
                Write a SELECT over published assets and press <kbd>Ctrl</kbd> <kbd>Enter</kbd>. Queries read, they never write.
                The schema <code>lockgate</code> holds runs, versions and checks.
              </Empty>
            </div>
          )
        )}
      </div>
    </>
  );
}

const instant = (at: string): string => `${at}:00Z`;
