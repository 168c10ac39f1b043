import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { AssetDetail, VersionSummary } from "../../api/types";
import { diffQuery, versionsQuery } from "../../api/queries";
import { formatStamp } from "../../format/times";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { Loaded, Waiting } from "../../patterns/problem";
import { VERSION_STATES } from "../../patterns/state";
import { useFilters } from "../../router/router";
import { RowDiff } from "../diff/row-diff";
import { SchemaDiff } from "../diff/schema-diff";

const GONE = ["expired", "failed"];

export default function DiffTab({ asset }: { asset: AssetDetail }) {
  const [filters, setFilters] = useFilters();
  const query = useInfiniteQuery(versionsQuery(asset.name));
  if (!query.data) return <Waiting />;
  const versions = query.data.pages.flatMap((page) => page.items).filter((version) => !GONE.includes(version.state));
  if (versions.length < 2)
    return (
      <div className="card">
        <Empty icon="changed" title="There is only one version to read">
          Two are needed for a difference.
        </Empty>
      </div>
    );
  const to = Number(filters.get("to")) || (versions[0] as VersionSummary).number;
  const from =
    Number(filters.get("from")) || (versions.find((version) => version.number < to) ?? (versions[1] as VersionSummary)).number;
  const choice = (label: string, name: "from" | "to", value: number) => (
    <label className="row">
      <span className="muted">{label}</span>
      <select value={value} onChange={(event) => setFilters({ from: String(from), to: String(to), [name]: event.target.value })}>
        {versions.map((version) => (
          <option
            key={version.number}
            value={version.number}
          >{`version ${version.number}, ${VERSION_STATES[version.state].word}, ${formatStamp(version.staged_at)}`}</option>
        ))}
      </select>
    </label>
  );
  return (
    <div className="stack loose">
      <div className="row wide diff-choice">
        {choice("From", "from", from)}
        {choice("to", "to", to)}
      </div>
      <SchemaPart name={asset.name} from={from} to={to} />
      <RowDiff key={`${from} ${to}`} name={asset.name} from={from} to={to} columns={asset.columns.map((column) => column.name)} />
    </div>
  );
}

function SchemaPart({ name, from, to }: { name: string; from: number; to: number }) {
  const query = useQuery(diffQuery(name, from, to, ""));
  return (
    <Section title="Schema">
      <Loaded query={query} lines={2}>
        {(diff) => <SchemaDiff of={diff.schema} />}
      </Loaded>
    </Section>
  );
}
