// Two chambers and the closed gate between them: what readers have, and what waits.
import type { ReactNode } from "react";
import type { Gate, VersionDetail } from "../../api/types";
import { formatBytes, formatChange, formatCount, formatUnit } from "../../format/numbers";
import { formatDuration } from "../../format/times";
import { Icon } from "../../icons/icon";
import { CheckCountsView, StateMark, VERSION_STATES } from "../../patterns/state";
import { Time } from "../../patterns/time";
import { Link, runPath } from "../../router/router";

export function Sides({ gate, failed }: { gate: Gate; failed: number }) {
  const live = gate.live;
  const rows: [string, ReactNode][] = live
    ? [
        [
          "against version " + live.summary.number,
          <span key="rows" className="num">
            {formatChange(live.summary.rows, gate.candidate.summary.rows)} rows
          </span>,
        ],
      ]
    : [];
  return (
    <div className="sides">
      {live ? (
        <Side title={`Published: version ${live.summary.number}`} version={live} />
      ) : (
        <section className="card padded chamber">
          <h2>Nothing is published yet</h2>
          <p className="muted">This is the first version. Readers have none until it is published.</p>
        </section>
      )}
      <div className="between ink-held">
        <span className="between-line" aria-hidden="true" />
        <span className="between-icon tone-held">
          <Icon name="gate" size={26} />
        </span>
        <strong className="small">{formatUnit(failed, "check")} failed</strong>
        <span className="between-line" aria-hidden="true" />
      </div>
      <Side title={`Candidate: version ${gate.candidate.summary.number}`} version={gate.candidate} more={rows} />
    </div>
  );
}

function Side({ title, version, more = [] }: { title: string; version: VersionDetail; more?: [string, ReactNode][] }) {
  const of = version.summary;
  const facts: [string, ReactNode][] = [
    [
      "rows",
      <span key="r" className="num">
        {formatUnit(of.rows, "row")}, {formatBytes(of.size_bytes)}
      </span>,
    ],
    ...more,
    ["checks", <CheckCountsView key="c" counts={of.checks} />],
    [
      of.published_at ? "published" : "staged",
      <span key="t">
        <Time at={of.published_at ?? of.staged_at} focusable />
        {of.published_by && ` by ${of.published_by}`}
      </span>,
    ],
    [
      "built by",
      <span key="b">
        {of.actor}
        {of.run && (
          <>
            , <Link to={runPath(of.run)}>run {of.run}</Link>
          </>
        )}
      </span>,
    ],
    [
      "took",
      <span key="d" className="num">
        {formatDuration(of.build_ms)} staging, {formatDuration(of.audit_ms)} auditing
      </span>,
    ],
    [
      "rejected",
      version.rejected_rows > 0 && (
        <span key="j" className="num">
          {formatCount(version.rejected_rows)} rows
        </span>
      ),
    ],
    ["reason", of.why],
  ];
  return (
    <section className="card padded chamber" aria-label={title}>
      <div className="row spread">
        <h2>{title}</h2>
        <StateMark of={VERSION_STATES[of.state]} />
      </div>
      <dl>
        {facts
          .filter(([, value]) => value)
          .map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}
