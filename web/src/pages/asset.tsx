import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, type ComponentType } from "react";
import type { AssetDetail } from "../api/types";
import { assetQuery } from "../api/queries";
import { formatBytes, formatUnit } from "../format/numbers";
import { Icon } from "../icons/icon";
import { Facts, PageHead, Tabs, WithFacts } from "../patterns/detail";
import { AssetLink, NameText } from "../patterns/name";
import { DiagnosticView, Loaded, Waiting } from "../patterns/problem";
import { ASSET_STATES, CheckCountsView, StateMark } from "../patterns/state";
import { Time } from "../patterns/time";
import { assetPath, gatePath, Link, runPath, useFilters, useParam } from "../router/router";
import { AssetActions } from "./asset/actions";
import { SchemaTab } from "./asset/schema-tab";
import "./asset/asset.css";

interface AssetTab {
  id: string;
  label: string;
  page: ComponentType<{ asset: AssetDetail }>;
  /** Assets of this kind only. */
  kind?: string;
}
// The schema is what the page opens with; each other tab comes when it is asked for.
const TABS: AssetTab[] = [
  { id: "schema", label: "Schema", page: SchemaTab },
  { id: "forecast", label: "Forecast", page: lazy(() => import("./asset/forecast-tab")), kind: "forecast" },
  { id: "versions", label: "Versions", page: lazy(() => import("./asset/versions-tab")) },
  { id: "checks", label: "Checks", page: lazy(() => import("./asset/checks-tab")) },
  { id: "profile", label: "Profile", page: lazy(() => import("./asset/profile-tab")) },
  { id: "preview", label: "Preview", page: lazy(() => import("./asset/preview-tab")) },
  { id: "code", label: "Code", page: lazy(() => import("./asset/code-tab")) },
  { id: "diff", label: "Differences", page: lazy(() => import("./asset/diff-tab")) },
];

export default function AssetPage() {
  const name = useParam("name");
  const [filters] = useFilters();
  const query = useQuery(assetQuery(name));
  const asset = query.data;
  const tabs = TABS.filter((candidate) => !candidate.kind || candidate.kind === asset?.kind);
  const tab = tabs.find((candidate) => candidate.id === filters.get("tab")) ?? tabs[0];
  const Page = tab?.page ?? SchemaTab;
  return (
    <>
      <PageHead
        title={<NameText name={name} />}
        name={name}
        crumbs={[
          { text: "Assets", to: "/assets" },
          { text: name.split(".")[0] ?? "", to: `/assets?schema=${encodeURIComponent(name.split(".")[0] ?? "")}` },
        ]}
        state={asset && <StateMark of={ASSET_STATES[asset.state]} />}
        lead={asset?.description}
        actions={asset && <AssetActions asset={asset} />}
      />
      <Loaded query={query} lines={10}>
        {(detail) => (
          <>
            <Standing of={detail} />
            <Tabs
              current={tab?.id ?? "schema"}
              to={(id) => assetPath(name, id === "schema" ? undefined : id)}
              tabs={tabs.map(({ id, label }) => ({
                id,
                label,
                count: id === "schema" ? detail.columns.length : id === "checks" ? detail.checks.length : undefined,
              }))}
            />
            {tab?.id === "schema" ? (
              <WithFacts facts={<AssetFacts of={detail} />}>
                <Page asset={detail} />
              </WithFacts>
            ) : (
              <Suspense fallback={<Waiting lines={8} />}>
                <Page asset={detail} />
              </Suspense>
            )}
          </>
        )}
      </Loaded>
    </>
  );
}

/** What is not as it should be with this asset, each with where to go. */
function Standing({ of }: { of: AssetDetail }) {
  const lines = [
    of.held && (
      <li key="held" className="tone-held">
        <Icon name="gate" />
        <span>
          Version {of.held.number} is held since <Time at={of.held.staged_at} />.{" "}
          {of.live ? `Readers keep version ${of.live.number}.` : "Readers have no version yet."}
        </span>
        <Link to={gatePath(of.name)} className="button small">
          Open the gate
        </Link>
      </li>
    ),
    of.last_failure && (
      <li key="failed" className="tone-bad">
        <Icon name="cross" />
        <span>
          The last attempt failed <Time at={of.last_failure.at} />: {of.last_failure.message}
        </span>
        <Link to={runPath(of.last_failure.run)} className="button small">
          Open the run
        </Link>
      </li>
    ),
    of.late && (
      <li key="late" className="tone-warn">
        <Icon name="clock" />
        <span>
          Late since <Time at={of.late.since} />: {of.late.message}
        </span>
      </li>
    ),
    of.behind.length > 0 && (
      <li key="behind" className="tone-info">
        <Icon name="behind" />
        <span>
          Behind: it waits for{" "}
          {of.behind.map((name, i) => (
            <span key={name}>
              {i > 0 && ", "}
              <AssetLink name={name} />
            </span>
          ))}
          .
        </span>
      </li>
    ),
    // What is held is not built again from the same inputs.
    !of.held && of.reasons.length > 0 && (
      <li key="stale" className="tone-idle">
        <Icon name="stale" />
        <span>A run would build it: {of.reasons.join("; ")}.</span>
      </li>
    ),
  ].filter(Boolean);
  if (lines.length + of.warnings.length === 0) return null;
  return (
    <div className="standing">
      <ul>{lines}</ul>
      {of.warnings.map((warning, i) => (
        <div key={i} className="card padded">
          <DiagnosticView of={warning} />
        </div>
      ))}
    </div>
  );
}

function AssetFacts({ of }: { of: AssetDetail }) {
  const live = of.live;
  const names = (list: string[]) =>
    list.length > 0 && (
      <ul>
        {list.map((name) => (
          <li key={name}>
            <AssetLink name={name} />
          </li>
        ))}
      </ul>
    );
  return (
    <>
      <Facts
        title="Published"
        of={[
          ["version", live ? <span className="num">{live.number}</span> : "none yet"],
          ["published", live && <Time at={live.published_at} focusable />],
          ["rows", live && <span className="num">{formatUnit(live.rows, "row")}</span>],
          ["size", live && <span className="num">{formatBytes(live.size_bytes)}</span>],
          ["checks", live && <CheckCountsView counts={live.checks} />],
        ]}
      />
      <Facts
        title="Asset"
        of={[
          ["kind", of.kind],
          ["owner", of.owner],
          ["file", <code key="file">{of.file}</code>],
          ["load", of.load],
          ["partitions", of.partition_by.length > 0 && of.partition_by.join(", ")],
          ["clusters", of.cluster_by.length > 0 && of.cluster_by.join(", ")],
          ["group", of.group],
          [
            "tags",
            of.tags.length > 0 && (
              <span className="row">
                {of.tags.map((tag) => (
                  <Link key={tag} className="tag" to={`/assets?tag=${encodeURIComponent(tag)}`}>
                    {tag}
                  </Link>
                ))}
              </span>
            ),
          ],
        ]}
      />
      <Facts
        title="Lineage"
        of={[
          ["inputs", names(of.inputs) || "none"],
          ["checks read", names(of.check_inputs)],
          ["readers", names(of.readers) || "none"],
          [
            "graph",
            <Link key="graph" to={`/lineage?focus=${encodeURIComponent(of.name)}`}>
              show in the lineage
            </Link>,
          ],
        ]}
      />
    </>
  );
}
