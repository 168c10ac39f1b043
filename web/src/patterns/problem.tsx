// What went wrong, as the command line would say it: code, sentence, place with its source line, expectation, hint.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiProblem } from "../api/problem";
import type { Diagnostic } from "../api/types";
import { Icon } from "../icons/icon";
import "./problem.css";

export function DiagnosticView({ of }: { of: Diagnostic }) {
  const { code, severity, message, place, expected, hint } = of;
  return (
    <div className={`diagnostic ${severity}`}>
      <p className="diagnostic-head">
        <Icon name={severity === "error" ? "cross" : "warning"} size={14} />
        <span className="hidden-text">{severity}: </span>
        {code && (
          <code className="diagnostic-code" title={`lockgate explain ${code}`}>
            {code}
          </code>
        )}{" "}
        <span>
          <Ticks text={message} />
        </span>
      </p>
      {place && (
        <div className="diagnostic-place">
          <p className="mono faint">
            {place.file}:{place.line}:{place.column}
          </p>
          {place.text && (
            <pre aria-label="source line">
              <span className="line-number">{place.line}</span>
              {place.text}
              {"\n"}
              <span className="line-number"> </span>
              <span className="caret">{" ".repeat(Math.max(0, place.column - 1))}^</span>
            </pre>
          )}
        </div>
      )}
      {expected && (
        <p>
          <span className="faint">expected: </span>
          {expected}
        </p>
      )}
      {hint && (
        <p>
          <span className="faint">hint: </span>
          <Ticks text={hint} />
        </p>
      )}
    </div>
  );
}

/** Words between backticks in a message are code. */
export function Ticks({ text }: { text: string }) {
  return text.split("`").map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part));
}

export function ProblemView({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = error instanceof ApiProblem ? error : null;
  const title = problem?.title ?? (error instanceof Error ? error.message : String(error));
  const diagnostics = problem?.diagnostics ?? [];
  return (
    <div className="problem" role="alert">
      <div className="row spread">
        <p className="problem-title">{sentence(title)}</p>
        {retry && (
          <button type="button" className="button small" onClick={retry}>
            <Icon name="stale" size={14} />
            Try again
          </button>
        )}
      </div>
      {problem?.detail && diagnostics.length === 0 && (
        <p>
          <Ticks text={problem.detail} />
        </p>
      )}
      {diagnostics.map((one, i) => (
        <DiagnosticView key={i} of={one} />
      ))}
    </div>
  );
}
const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Shows a query's data, or why it is not there. A refetch that fails keeps the old data on screen and says so above it. */
export function Loaded<T>({
  query,
  children,
  lines = 4,
}: {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  lines?: number;
}) {
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && <ProblemView error={query.error} retry={() => void query.refetch()} />}
        {children(query.data)}
      </>
    );
  }
  if (query.isError) return <ProblemView error={query.error} retry={() => void query.refetch()} />;
  return <Waiting lines={lines} />;
}

export function Waiting({ lines = 4 }: { lines?: number }) {
  return (
    <div className="waiting" role="status" aria-label="loading">
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} style={{ width: `${92 - ((i * 23) % 50)}%` }} />
      ))}
    </div>
  );
}
