import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { AuditEntry } from "../api/types";
import { auditFacetsQuery, auditQuery } from "../api/queries";
import { Empty } from "../patterns/empty";
import { FacetSelect, ListPage, SearchBox } from "../patterns/list";
import { AssetLink } from "../patterns/name";
import { Table, type Column } from "../patterns/table";
import { Time } from "../patterns/time";
import { assetPath, Link, runPath, useFilters } from "../router/router";
import { actionWords } from "./audit/changes";
import "./audit/audit.css";

const columns: Column<AuditEntry>[] = [
  {
    id: "what",
    header: "What",
    width: "38%",
    cell: (entry) => (
      <div>
        <span className="name">{actionWords(entry.action)}</span> {entry.asset && <AssetLink name={entry.asset} />}
        {entry.version !== null && (
          <Link to={entry.asset ? assetPath(entry.asset, "versions") : "#"} className="muted num">
            {" "}
            version {entry.version}
          </Link>
        )}
        <Detail of={entry.detail} />
      </div>
    ),
  },
  {
    id: "who",
    header: "Who",
    cell: (entry) => <Link to={`/audit?actor=${encodeURIComponent(entry.actor)}`}>{entry.actor}</Link>,
  },
  { id: "when", header: "When", cell: (entry) => <Time at={entry.at} /> },
  { id: "why", header: "Why", width: "26%", roomy: true, cell: (entry) => entry.why && <q className="muted">{entry.why}</q> },
  {
    id: "run",
    header: "Run",
    priority: 2,
    cell: (entry) =>
      entry.run && (
        <Link to={runPath(entry.run)} className="small mono">
          {entry.run}
        </Link>
      ),
  },
];

const NAMES = ["search", "asset", "actor", "action", "from", "to"];

export default function AuditPage() {
  const [filters, setFilters] = useFilters();
  const facets = useQuery(auditFacetsQuery()).data;
  const chosen = Object.fromEntries(NAMES.map((name) => [name, filters.get(name)]));
  const query = useInfiniteQuery(auditQuery({ ...chosen, from: instant(chosen.from, 0), to: instant(chosen.to, 1) }));
  const day = (label: string, name: "from" | "to") => (
    <label className={`facet${chosen[name] ? " chosen" : ""}`}>
      <span className="facet-label">{label}</span>
      <input type="date" value={chosen[name] ?? ""} onChange={(event) => setFilters({ [name]: event.target.value })} />
    </label>
  );
  return (
    <ListPage
      title="Audit log"
      lead="Who did what, when and why. Nothing is ever taken out."
      query={query}
      noun={["entry", "entries"]}
      filtered={Object.values(chosen).some(Boolean)}
      filters={
        <>
          <SearchBox label="Search assets, reasons, details" />
          <FacetSelect label="Who" name="actor" facets={facets?.actors} />
          <FacetSelect label="What" name="action" facets={facets?.actions} format={actionWords} />
          {chosen.asset && <FacetSelect label="Asset" name="asset" facets={[]} />}
          {day("From", "from")}
          {day("To", "to")}
        </>
      }
      empty={
        <Empty icon="audit" title="Nothing happened yet" command="lockgate run">
          Every version, every decision at a gate and every change of code or settings is written down here.
        </Empty>
      }
    >
      {(rows) => <Table caption="Audit log" columns={columns} rows={rows} rowKey={(entry) => entry.sequence} />}
    </ListPage>
  );
}

/** A day as an instant in UTC; the end of a range is the start of the next day. */
const instant = (day: string | null | undefined, plusDays: number): string | null =>
  day ? new Date(Date.parse(`${day}T00:00:00Z`) + plusDays * 86_400_000).toISOString() : null;

function Detail({ of }: { of: unknown }) {
  if (of === null || of === undefined || typeof of !== "object" || Object.keys(of).length === 0) return null;
  return (
    <details className="small">
      <summary className="muted">details</summary>
      <dl className="audit-detail">
        {Object.entries(of).map(([key, value]) => (
          <div key={key}>
            <dt>{key.replaceAll("_", " ")}</dt>
            <dd className="mono">{typeof value === "string" ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
