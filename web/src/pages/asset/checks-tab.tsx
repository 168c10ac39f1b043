import { useQuery } from "@tanstack/react-query";
import { lazy } from "react";
import type { AssetDetail, CheckHistory } from "../../api/types";
import { checkHistoryQuery } from "../../api/queries";
import { HeatMap } from "../../charts/heat-map";
import { formatShare, formatUnit } from "../../format/numbers";
import { formatStamp } from "../../format/times";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { Loaded } from "../../patterns/problem";
import { CHECK_STATES, StateMark, VERSION_STATES } from "../../patterns/state";
import { Table } from "../../patterns/table";
import { Opens } from "../../patterns/opens";

const SuppressForm = lazy(() => import("./suppress-form"));

export default function ChecksTab({ asset }: { asset: AssetDetail }) {
  const query = useQuery(checkHistoryQuery(asset.name));
  if (asset.checks.length === 0) {
    return (
      <div className="card">
        <Empty icon="gate" title="No checks yet" command={`lockgate explain checks`}>
          Without checks the gate lets everything through. Add <code>checks:</code> to <code>{asset.file}</code>, for example{" "}
          <code>- unique: [id]</code>.
        </Empty>
      </div>
    );
  }
  return (
    <div className="stack loose">
      <Section title="Checks over versions" lead="Newest on the right. Choose a cell to read what it found.">
        <Loaded query={query}>{(history) => <History of={history} />}</Loaded>
      </Section>
      <Section title="Checks">
        <div className="card">
          <Table
            caption="Checks"
            rows={asset.checks}
            rowKey={(check) => check.name}
            columns={[
              { id: "name", header: "Check", cell: (check) => <code className="name">{check.name}</code> },
              { id: "kind", header: "Kind", cell: (check) => <span className="muted">{check.kind}</span> },
              { id: "severity", header: "Severity", cell: (check) => check.severity },
              { id: "section", header: "Section", priority: 2, cell: (check) => check.section },
              {
                id: "act",
                header: "",
                align: "right",
                cell: (check) => (
                  <Opens label="Suppress …" className="button small quiet">
                    {(close) => <SuppressForm asset={asset} check={check.name} onClose={close} />}
                  </Opens>
                ),
              },
            ]}
          />
        </div>
      </Section>
    </div>
  );
}

function History({ of }: { of: CheckHistory }) {
  if (of.versions.length === 0) return <p className="muted">No version was audited yet.</p>;
  return (
    <div className="card heat-card">
      <HeatMap
        label="Checks over versions"
        columns={of.versions.map((version) => ({
          id: String(version.number),
          head: (
            <span
              className={`num ink-${VERSION_STATES[version.state].tone}`}
              title={`version ${version.number}, ${version.state}, ${formatStamp(version.at)}`}
            >
              {version.number}
            </span>
          ),
          name: `version ${version.number}, ${version.state}`,
        }))}
        rows={of.checks.map((check) => ({
          name: check.name,
          cells: check.cells.map(
            (cell) =>
              cell && {
                tone: CHECK_STATES[cell.state].tone,
                icon: CHECK_STATES[cell.state].icon,
                label: `${CHECK_STATES[cell.state].word}: ${cell.message}`,
              },
          ),
        }))}
        detail={(r, c) => {
          const check = of.checks[r];
          const cell = check?.cells[c];
          const version = of.versions[c];
          if (!check || !version) return null;
          return (
            <div className="heat-detail">
              <div className="row">
                <code className="name">{check.name}</code>
                <span className="muted num">
                  version {version.number}, {formatStamp(version.at)} UTC
                </span>
                {cell && <StateMark of={CHECK_STATES[cell.state]} />}
              </div>
              <p>
                {cell ? cell.message : "The check did not exist then."}
                {cell && cell.failing > 0 && (
                  <span className="muted num">
                    {" "}
                    ({formatUnit(cell.failing, "row")}, {formatShare(cell.share)})
                  </span>
                )}
              </p>
            </div>
          );
        }}
      />
      <ul className="row wide small muted heat-legend" aria-label="Signs">
        {Object.values(CHECK_STATES).map((mark) => (
          <li key={mark.word}>
            <StateMark of={mark} />
          </li>
        ))}
      </ul>
    </div>
  );
}
