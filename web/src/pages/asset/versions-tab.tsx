import { useInfiniteQuery } from "@tanstack/react-query";
import type { AssetDetail, VersionSummary } from "../../api/types";
import { versionsQuery } from "../../api/queries";
import { formatBytes, formatChange, formatUnit } from "../../format/numbers";
import { formatDuration } from "../../format/times";
import { Icon } from "../../icons/icon";
import { Empty } from "../../patterns/empty";
import { Rows } from "../../patterns/list";
import { CheckCountsView, StateMark, VERSION_STATES } from "../../patterns/state";
import { Time } from "../../patterns/time";
import { gatePath, Link, runPath } from "../../router/router";

export default function VersionsTab({ asset }: { asset: AssetDetail }) {
  const query = useInfiniteQuery(versionsQuery(asset.name));
  return (
    <Rows
      query={query}
      noun={["version", "versions"]}
      filtered={false}
      empty={
        <Empty icon="assets" title="No versions yet" command={`lockgate run ${asset.name}`}>
          {asset.state === "inline"
            ? "An inline asset is not stored, it is evaluated in its readers."
            : "The first run makes version 1."}
        </Empty>
      }
    >
      {(versions) => (
        <ol className="timeline">
          {versions.map((version, i) => (
            <Entry key={version.number} name={asset.name} of={version} before={versions[i + 1]} live={asset.live?.number} />
          ))}
        </ol>
      )}
    </Rows>
  );
}

function Entry({
  name,
  of,
  before,
  live,
}: {
  name: string;
  of: VersionSummary;
  before: VersionSummary | undefined;
  live: number | undefined;
}) {
  return (
    <li className={of.number === live ? "live-version" : ""}>
      <span className={`timeline-dot ink-${VERSION_STATES[of.state].tone}`} aria-hidden="true" />
      <div className="timeline-body">
        <div className="row spread">
          <div className="row">
            <strong className="num">version {of.number}</strong>
            <StateMark of={VERSION_STATES[of.state]} />
            {of.number === live && <span className="tag">live</span>}
            {of.code_changed && (
              <span className="tag">
                <Icon name="changed" size={11} /> code changed
              </span>
            )}
            {of.restores !== null && <span className="tag">restores version {of.restores}</span>}
          </div>
          <span className="small muted">
            <Time at={of.published_at ?? of.staged_at} focusable />
          </span>
        </div>
        <p className="muted num">
          {formatUnit(of.rows, "row")}
          {before && before.rows !== of.rows && <span className="faint"> {formatChange(before.rows, of.rows)}</span>},{" "}
          {formatBytes(of.size_bytes)}, <span className="nowrap">{formatDuration(of.build_ms)} staging</span>,{" "}
          <span className="nowrap">{formatDuration(of.audit_ms)} auditing</span>
        </p>
        <div className="row wide small">
          <CheckCountsView counts={of.checks} />
          <span className="muted">{of.published_by ? `published by ${of.published_by}` : `by ${of.actor}`}</span>
          {of.run && <Link to={runPath(of.run)}>run {of.run}</Link>}
          {of.state === "held" ? (
            <Link to={gatePath(name)}>open the gate</Link>
          ) : (
            before &&
            of.state !== "expired" &&
            before.state !== "expired" && (
              <Link to={`/assets/${encodeURIComponent(name)}?tab=diff&from=${before.number}&to=${of.number}`}>
                differences to version {before.number}
              </Link>
            )
          )}
        </div>
        {of.why && <q className="muted">{of.why}</q>}
      </div>
    </li>
  );
}
