import type { CheckOutcome } from "../../api/types";
import { formatCount, formatShare, formatUnit } from "../../format/numbers";
import { Grid } from "../../patterns/grid";
import { CHECK_STATES, StateMark } from "../../patterns/state";

/** One check of a version: what it says, how many rows fail now and failed before, and the rows themselves. */
export function CheckCard({ check, open = false }: { check: CheckOutcome; open?: boolean }) {
  const mark = CHECK_STATES[check.state];
  const samples = check.samples.rows;
  return (
    <article className={`check-card edge-${mark.tone}`}>
      <div className="row spread">
        <div className="row">
          <code className="name">{check.name}</code>
          <StateMark of={mark} />
          {check.severity === "warn" && <span className="tag">warn only</span>}
          {check.section && <span className="tag">{check.section}</span>}
        </div>
        <span className="muted small">{check.kind}</span>
      </div>
      <p>{check.message}</p>
      {check.total > 0 && (check.failing > 0 || check.before) && (
        <dl className="check-numbers">
          <Amount label="now" failing={check.failing} total={check.total} tone={mark.tone} />
          {check.before && <Amount label="published" failing={check.before[0]} total={check.before[1]} tone="idle" />}
          <div>
            <dt>allowed</dt>
            <dd className="num">{allowed(check)}</dd>
          </div>
        </dl>
      )}
      {check.excuse && <p className="muted">{check.excuse}</p>}
      {check.rejected && <p className="muted">The failing rows are in the rejects table.</p>}
      {samples.length > 0 && (
        <details open={open}>
          <summary>
            {formatUnit(samples.length, "sample row")}
            {check.failing > samples.length && ` of ${formatCount(check.failing)}`}
          </summary>
          <Grid label={`Sample rows of ${check.name}`} columns={check.samples.columns.map((name) => ({ name }))} rows={samples} />
        </details>
      )}
    </article>
  );
}

function Amount({ label, failing, total, tone }: { label: string; failing: number; total: number; tone: string }) {
  const share = total === 0 ? 0 : failing / total;
  return (
    <div>
      <dt>{label}</dt>
      <dd className="num">
        {formatCount(failing)} of {formatCount(total)} rows <strong>{formatShare(share)}</strong>
        <span className="share-line" aria-hidden="true">
          <span className={`fill-${tone}`} style={{ width: `${Math.min(100, Math.max(failing > 0 ? 1 : 0, share * 100))}%` }} />
        </span>
      </dd>
    </div>
  );
}

/** The threshold turned around: the check fails at "> 0.5%", so up to 0.5 % may. */
function allowed(check: CheckOutcome): string {
  const over = /^>\s*(.+)$/.exec(check.error);
  if (!over) return `fails at ${check.error}`;
  return over[1] === "0" ? "none" : `up to ${(over[1] as string).replace("%", " %")}`;
}
