import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { AssetState, AssetSummary } from "../api/types";
import { assetFacetsQuery, assetsQuery } from "../api/queries";
import { formatBytes, formatCount } from "../format/numbers";
import { Command } from "../patterns/command";
import { Empty } from "../patterns/empty";
import { FacetSelect, ListPage, SearchBox, useSorting } from "../patterns/list";
import { AssetLink } from "../patterns/name";
import { ASSET_STATES, CheckCountsView, StateMark } from "../patterns/state";
import { Table, type Column } from "../patterns/table";
import { Time } from "../patterns/time";
import { gatePath, Link, useFilters } from "../router/router";
import "./assets.css";

const FACETS = ["search", "state", "kind", "schema", "tag", "owner"];
const stateWord = (state: string) => ASSET_STATES[state as AssetState]?.word ?? state;

const columns: Column<AssetSummary>[] = [
  {
    id: "name",
    header: "Asset",
    sort: "name",
    width: "34%",
    cell: (asset) => (
      <div className="asset-cell">
        <AssetLink name={asset.name} />
        {asset.description && <span className="muted small">{asset.description}</span>}
      </div>
    ),
  },
  {
    id: "state",
    header: "State",
    sort: "state",
    cell: (asset) => (
      <span className="row">
        <StateMark of={ASSET_STATES[asset.state]} />
        {asset.held && (
          <Link to={gatePath(asset.name)} className="small">
            gate
          </Link>
        )}
      </span>
    ),
  },
  { id: "kind", header: "Kind", priority: 2, cell: (asset) => <span className="muted">{asset.kind}</span> },
  {
    id: "published",
    header: "Published",
    sort: "published_at",
    cell: (asset) => (asset.live ? <Time at={asset.live.published_at} /> : <span className="faint">never</span>),
  },
  {
    id: "version",
    header: "Version",
    align: "right",
    priority: 3,
    cell: (asset) => asset.live && formatCount(asset.live.number),
  },
  { id: "rows", header: "Rows", align: "right", sort: "rows", cell: (asset) => asset.live && formatCount(asset.live.rows) },
  { id: "size", header: "Size", align: "right", priority: 3, cell: (asset) => asset.live && formatBytes(asset.live.size_bytes) },
  { id: "checks", header: "Checks", priority: 3, cell: (asset) => asset.live && <CheckCountsView counts={asset.live.checks} /> },
  {
    id: "owner",
    header: "Owner",
    priority: 2,
    cell: (asset) =>
      asset.owner && (
        <Link to={`/assets?owner=${encodeURIComponent(asset.owner)}`} className="muted">
          {asset.owner}
        </Link>
      ),
  },
  {
    id: "tags",
    header: "Tags",
    priority: 3,
    cell: (asset) =>
      asset.tags.length > 0 && (
        <span className="row tags">
          {asset.tags.map((tag) => (
            <Link key={tag} className="tag" to={`/assets?tag=${encodeURIComponent(tag)}`}>
              {tag}
            </Link>
          ))}
        </span>
      ),
  },
];

export default function AssetsPage() {
  const [filters] = useFilters();
  const facets = useQuery(assetFacetsQuery()).data;
  const sorting = useSorting("name");
  const chosen = Object.fromEntries(FACETS.map((name) => [name, filters.get(name)]));
  const query = useInfiniteQuery(assetsQuery({ ...chosen, sort: sorting.by, descending: sorting.descending }));
  return (
    <ListPage
      title="Assets"
      actions={
        <Link to="/lineage" className="button">
          Lineage
        </Link>
      }
      query={query}
      noun={["asset", "assets"]}
      filtered={Object.values(chosen).some(Boolean)}
      filters={
        <>
          <SearchBox label="Search names and descriptions" />
          <FacetSelect label="State" name="state" facets={facets?.states} format={stateWord} />
          <FacetSelect label="Kind" name="kind" facets={facets?.kinds} />
          <FacetSelect label="Schema" name="schema" facets={facets?.schemas} />
          <FacetSelect label="Tag" name="tag" facets={facets?.tags} />
          <FacetSelect label="Owner" name="owner" facets={facets?.owners} />
        </>
      }
      empty={
        <Empty icon="assets" title="This project has no assets yet">
          <p>
            An asset is one file under <code>assets/</code>. Lockgate proposes a source with its contract and checks from a file
            of yours:
          </p>
          <Command text="lockgate init --from data/orders.csv" />
          <p>Then build and check everything:</p>
          <Command text="lockgate run" />
        </Empty>
      }
    >
      {(rows) => (
        <Table
          caption="Assets"
          columns={columns}
          rows={rows}
          rowKey={(asset) => asset.name}
          sorting={sorting}
          rowClass={(asset) => (asset.state === "held" ? "attention" : "")}
        />
      )}
    </ListPage>
  );
}
