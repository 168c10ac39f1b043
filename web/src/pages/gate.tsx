// The gate: a held candidate beside what readers have, everything that tells whether it is right, and the two ways out.
import { useQuery } from "@tanstack/react-query";
import type { Gate } from "../api/types";
import { ApiProblem } from "../api/problem";
import { gateQuery } from "../api/queries";
import { formatUnit } from "../format/numbers";
import { Icon } from "../icons/icon";
import { Command } from "../patterns/command";
import { PageHead, Section } from "../patterns/detail";
import { Empty } from "../patterns/empty";
import { AssetLink, NameText } from "../patterns/name";
import { Loaded } from "../patterns/problem";
import { StateMark, VERSION_STATES } from "../patterns/state";
import { assetPath, Link, useParam } from "../router/router";
import { RowDiff } from "./diff/row-diff";
import { SchemaDiff } from "./diff/schema-diff";
import { GateActions } from "./gate/actions";
import { CheckCard } from "./gate/checks";
import { Sides } from "./gate/sides";
import { UpstreamView } from "./gate/upstream";
import "./gate/gate.css";

export default function GatePage() {
  const name = useParam("name");
  const query = useQuery(gateQuery(name));
  const gate = query.data;
  // An asset that holds nothing is a conflict to the server, one that does not exist is not found.
  const open = query.error instanceof ApiProblem && query.error.status === 409;
  return (
    <>
      <PageHead
        title={<NameText name={name} />}
        name={`Gate of ${name}`}
        crumbs={[{ text: "Overview", to: "/" }]}
        state={!open && gate && <StateMark of={VERSION_STATES.held} />}
        lead={gate?.description}
        actions={
          <>
            <Link className="button" to={assetPath(name)}>
              Asset
            </Link>
            {!open && gate && <GateActions gate={gate} />}
          </>
        }
      />
      {open ? (
        <Open name={name} />
      ) : (
        <Loaded query={query} lines={12}>
          {(held) => <Held gate={held} />}
        </Loaded>
      )}
    </>
  );
}

function Open({ name }: { name: string }) {
  return (
    <div className="card">
      <Empty icon="check" title="Nothing is held here" command={`lockgate history ${name}`}>
        <p>
          The gate of <AssetLink name={name} /> is open: its newest version was published or dismissed. Its{" "}
          <Link to={assetPath(name, "versions")}>versions</Link> say what happened.
        </p>
      </Empty>
    </div>
  );
}

const WORST = ["errored", "failed", "warned", "suppressed", "known", "passed"];

function Held({ gate }: { gate: Gate }) {
  const checks = gate.candidate.checks.toSorted((a, b) => WORST.indexOf(a.state) - WORST.indexOf(b.state));
  const bad = checks.filter((check) => check.state === "failed" || check.state === "errored");
  const rest = checks.filter((check) => !bad.includes(check));
  const number = gate.candidate.summary.number;
  return (
    <div className="stack loose">
      {!gate.base_is_live && (
        <p className="card padded notice-line ink-warn">
          <Icon name="warning" /> Another version went live after this one was built, so it cannot be published any more. Dismiss
          it, or run the asset again.
        </p>
      )}
      <Sides gate={gate} failed={bad.length} />
      <Section title="Failing checks" count={bad.length}>
        {bad.map((check, i) => (
          <CheckCard key={check.name} check={check} open={i === 0} />
        ))}
        {rest.length > 0 && (
          <details className="card rest">
            <summary>
              {formatUnit(rest.length, "other check")}: {rest.filter((check) => check.state === "passed").length} passed
              {rest.some((check) => check.state === "warned") &&
                `, ${rest.filter((check) => check.state === "warned").length} warned`}
            </summary>
            <div className="stack tight">
              {rest.map((check) => (
                <CheckCard key={check.name} check={check} />
              ))}
            </div>
          </details>
        )}
      </Section>
      <UpstreamView gate={gate} />
      {gate.schema_change && (
        <Section title="Schema" lead={gate.live ? `Version ${number} against version ${gate.live.summary.number}.` : undefined}>
          <SchemaDiff of={gate.schema_change} />
        </Section>
      )}
      {gate.live && (
        <RowDiff
          name={gate.asset}
          from={gate.live.summary.number}
          to={number}
          keyColumns={gate.key}
          columns={gate.candidate.columns.map((column) => column.name)}
        />
      )}
      <div className="gate-end">
        <Section title="Behind this gate" count={gate.behind.length}>
          <div className="card padded">
            {gate.behind.length === 0 ? (
              <p className="muted">No asset waits for this version.</p>
            ) : (
              <ul className="row wide">
                {gate.behind.map((name) => (
                  <li key={name}>
                    <AssetLink name={name} />
                  </li>
                ))}
              </ul>
            )}
            {gate.group && (
              <p className="muted small group-line">
                Group {gate.group.name} switches together:{" "}
                {gate.group.members
                  .map((member) => `${member.asset}${member.held === null ? "" : ` (version ${member.held} held)`}`)
                  .join(", ")}
                .
              </p>
            )}
          </div>
        </Section>
        <Section title="The same in a terminal">
          <div className="card padded stack tight">
            <Command text={gate.commands.diff} />
            <Command text={gate.commands.publish} />
            <Command text={gate.commands.dismiss} />
          </div>
        </Section>
      </div>
    </div>
  );
}
