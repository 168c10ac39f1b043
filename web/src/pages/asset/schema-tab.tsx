import type { ReactNode } from "react";
import type { AssetDetail, ColumnInfo, KnownFailure, Suppression } from "../../api/types";
import { formatShare, formatUnit } from "../../format/numbers";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { Table, type Column } from "../../patterns/table";
import { Time } from "../../patterns/time";
import { assetPath, Link } from "../../router/router";

const columns: Column<ColumnInfo>[] = [
  { id: "name", header: "Column", cell: (column) => <code className="name">{column.name}</code> },
  { id: "type", header: "Type", cell: (column) => <code className="muted">{column.type}</code> },
  {
    id: "rules",
    header: "Rules",
    cell: (column) =>
      (column.required || column.pii) && (
        <span className="row">
          {column.required && <span className="tag">required</span>}
          {column.pii && <span className="tag">personal data</span>}
        </span>
      ),
  },
  {
    id: "from",
    header: "Comes from",
    roomy: true,
    cell: (column) =>
      column.from.length > 0 && (
        <span className="from">
          {column.from.map((one) => (
            <Link key={`${one.asset}.${one.column}`} to={assetPath(one.asset)} className="mono small">
              {one.asset}.<wbr />
              {one.column}
            </Link>
          ))}
        </span>
      ),
  },
  {
    id: "description",
    header: "Description",
    priority: 2,
    roomy: true,
    cell: (column) => column.description && <span className="muted">{column.description}</span>,
  },
];

export function SchemaTab({ asset }: { asset: AssetDetail }) {
  return (
    <>
      <div className="card">
        {asset.columns.length > 0 ? (
          <Table caption="Columns" columns={columns} rows={asset.columns} rowKey={(column) => column.name} />
        ) : (
          <Empty icon="assets" title="The schema is not known yet" command={`lockgate run ${asset.name}`}>
            The first version fixes it.
          </Empty>
        )}
      </div>
      {asset.suppressions.length + asset.known_failures.length > 0 && (
        <Section title="Known failures and suppressions">
          <ul className="card lines">
            {asset.known_failures.map((known) => (
              <KnownLine key={known.check} of={known} />
            ))}
            {asset.suppressions.map((suppression) => (
              <SuppressionLine key={suppression.check + suppression.made_at} of={suppression} />
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

export function KnownLine({ of, lead }: { of: KnownFailure; lead?: ReactNode }) {
  return (
    <li>
      <span className="row">
        {lead}
        <code>{of.check}</code>
        <span className="tag">known failure</span>
      </span>
      <span className="small">
        review <Time at={of.review_on} />
      </span>
      <p className="muted">
        {of.reason}.{" "}
        <span className="num">
          {formatUnit(of.count, "row")}, {formatShare(of.share)}; holds above {formatShare(of.share + of.tolerance)}.
        </span>
        {of.owner && ` Owner: ${of.owner}.`}
      </p>
    </li>
  );
}
export function SuppressionLine({ of, lead }: { of: Suppression; lead?: ReactNode }) {
  return (
    <li>
      <span className="row">
        {lead}
        <code>{of.check}</code>
        <span className="tag">suppression</span>
        {!of.in_force && <span className="tag">not in force</span>}
      </span>
      <span className="small">
        {!of.in_force ? "ended " : "until "}
        <Time at={of.until} />
      </span>
      <p className="muted">
        {of.why}. {of.limit && `Up to ${of.limit.replace("%", " %")} of the rows. `}By {of.actor}, <Time at={of.made_at} />.
      </p>
    </li>
  );
}
