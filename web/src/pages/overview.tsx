// Is everything all right? One sentence answers, then what needs a person, then what is going on.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { AssetState, HeldGate, Overview } from "../api/types";
import { overviewQuery } from "../api/queries";
import { formatCount, formatShare, formatUnit } from "../format/numbers";
import { Icon } from "../icons/icon";
import { Command } from "../patterns/command";
import { PageHead, Section } from "../patterns/detail";
import { Empty } from "../patterns/empty";
import { AssetLink } from "../patterns/name";
import { Loaded } from "../patterns/problem";
import { ASSET_STATES, RUN_STATES, StateMark, type Tone } from "../patterns/state";
import { Time, Took } from "../patterns/time";
import { gatePath, Link, runPath } from "../router/router";
import { Changes } from "./audit/changes";
import { answer } from "./overview/answer";
import { TaskBar } from "./run/task-bar";
import "./overview/overview.css";

export default function OverviewPage() {
  const query = useQuery(overviewQuery());
  return (
    <>
      <PageHead
        title="Overview"
        lead={
          query.data && (
            <>
              As of <Time at={query.data.as_of} focusable />
            </>
          )
        }
      />
      <Loaded query={query} lines={10}>
        {(overview) => (overview.assets === 0 ? <NoAssets /> : <Everything of={overview} />)}
      </Loaded>
    </>
  );
}

function Everything({ of }: { of: Overview }) {
  const attention = of.held.length + of.failing.length + of.late.length + of.ending.length;
  return (
    <div className="stack loose">
      <Answer of={of} />
      <div className="overview-columns">
        <div className="stack loose">
          {of.held.length > 0 && (
            <Section title="Held gates" count={of.held.length}>
              {of.held.map((gate) => (
                <HeldCard key={gate.asset} of={gate} />
              ))}
            </Section>
          )}
          {of.failing.length + of.late.length > 0 && <FailingAndLate of={of} />}
          {of.ending.length > 0 && <Ending of={of} />}
          {attention === 0 && (
            <div className="card">
              <Empty compact icon="check" title="Nothing waits for a person: no held gate, nothing failing, nothing late." />
            </div>
          )}
          <Section title="What changed today" aside={<Link to="/audit">Audit log</Link>}>
            <div className="card">
              {of.changes.length > 0 ? (
                <Changes entries={of.changes} />
              ) : (
                <Empty compact icon="clock" title="Nothing changed in the last 24 hours." command="lockgate run" />
              )}
            </div>
          </Section>
        </div>
        <div className="stack loose">
          <Runs of={of} />
          <Marts of={of} />
          {of.schedules.length > 0 && <Schedules of={of} />}
        </div>
      </div>
    </div>
  );
}

const ORDER: AssetState[] = ["held", "failing", "late", "behind", "never_built", "stale", "fresh", "inline"];

function Answer({ of }: { of: Overview }) {
  const { tone, icon, sentence, detail } = answer(of);
  return (
    <section className={`card answer ink-${tone satisfies Tone}`} aria-label="Is everything all right?">
      <span className={`answer-icon tone-${tone}`}>
        <Icon name={icon} size={24} />
      </span>
      <div>
        <p className="answer-sentence">{sentence}</p>
        <p className="muted">{detail}</p>
      </div>
      <ul className="answer-counts" aria-label="Assets by state">
        {ORDER.filter((state) => (of.counts[state] ?? 0) > 0).map((state) => (
          <li key={state}>
            <Link to={`/assets?state=${state}`}>
              <strong className="num">{formatCount(of.counts[state])}</strong>
              <StateMark of={ASSET_STATES[state]} />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

function HeldCard({ of }: { of: HeldGate }) {
  return (
    <article className="card held-card">
      <div className="row spread">
        <div className="row">
          <AssetLink name={of.asset} to={gatePath(of.asset)} />
          <StateMark of={ASSET_STATES.held} />
          <span className="muted small">
            version {of.number}, <Time at={of.staged_at} focusable />
            {of.owner && `, ${of.owner}`}
          </span>
        </div>
        <Link to={gatePath(of.asset)} className="button small primary">
          Open the gate
        </Link>
      </div>
      <ul className="failing-list">
        {of.failing.map((check) => (
          <li key={check.name}>
            <Icon name="cross" size={14} className="ink-bad" />
            <span>
              <code>{check.name}</code> <span className="muted">{check.message}</span>
            </span>
            <span className="num small ink-bad">{formatShare(check.share)}</span>
          </li>
        ))}
      </ul>
      <p className="small muted">
        {of.live === null ? "Readers have no version yet." : `Readers keep version ${of.live}.`}
        {of.behind.length > 0 && (
          <>
            {" "}
            Behind it:{" "}
            {of.behind.slice(0, 4).map((name, i) => (
              <span key={name}>
                {i > 0 && ", "}
                <AssetLink name={name} />
              </span>
            ))}
            {of.behind.length > 4 && ` and ${of.behind.length - 4} more`}.
          </>
        )}
      </p>
    </article>
  );
}

function FailingAndLate({ of }: { of: Overview }) {
  return (
    <Section title="Failing and late" count={of.failing.length + of.late.length}>
      <ul className="card lines">
        {of.failing.map((one) => (
          <li key={`failing ${one.asset}`}>
            <div className="row">
              <AssetLink name={one.asset} />
              <StateMark of={ASSET_STATES.failing} />
              {one.owner && <span className="muted small">{one.owner}</span>}
            </div>
            <span className="small when">
              {one.run ? (
                <Link to={runPath(one.run)}>
                  <Time at={one.at} />
                </Link>
              ) : (
                <Time at={one.at} />
              )}
            </span>
            <p className="muted">{one.message}</p>
          </li>
        ))}
        {of.late.map((one) => (
          <li key={`late ${one.asset}`}>
            <div className="row">
              <AssetLink name={one.asset} />
              <StateMark of={ASSET_STATES.late} />
              {one.owner && <span className="muted small">{one.owner}</span>}
            </div>
            <span className="small when">
              <Time at={one.late.since} />
            </span>
            <p className="muted">
              {one.late.message}
              {one.behind.length > 0 && `; ${formatUnit(one.behind.length, "asset is", "assets are")} behind`}
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

const FIRST_ENDING = 5;
function Ending({ of }: { of: Overview }) {
  const [all, setAll] = useState(of.ending.length <= FIRST_ENDING + 1);
  return (
    <Section
      title="Known failures and suppressions that end soon"
      count={of.ending.length}
      aside={<Link to="/settings?tab=suppressions">All {of.known_failures + of.suppressions}</Link>}
    >
      <ul className="card lines">
        {(all ? of.ending : of.ending.slice(0, FIRST_ENDING)).map((one) => {
          const past = Date.parse(one.ends_at) < Date.parse(of.as_of);
          return (
            <li key={`${one.type} ${one.asset} ${one.check}`}>
              <div className="row">
                <AssetLink name={one.asset} />
                <code className="small">{one.check}</code>
                <span className="tag">{one.type === "known_failure" ? "known failure" : "suppression"}</span>
              </div>
              <span className={`small when ${past ? "ink-bad" : ""}`}>
                {past && <Icon name="warning" size={13} />}{" "}
                {one.type === "known_failure" ? (past ? "review was due " : "review due ") : past ? "ended " : "ends "}
                <Time at={one.ends_at} />
              </span>
              <p className="muted">
                {one.text}
                {one.owner && ` (${one.owner})`}
              </p>
            </li>
          );
        })}
        {!all && (
          <li>
            <button type="button" className="link-button" onClick={() => setAll(true)}>
              and {of.ending.length - FIRST_ENDING} more
            </button>
          </li>
        )}
      </ul>
    </Section>
  );
}

function Runs({ of }: { of: Overview }) {
  const runs = [...of.running, ...of.recent].slice(0, Math.max(of.running.length, 5));
  return (
    <Section
      title="Runs"
      count={of.running.length > 0 ? `${of.running.length} running` : undefined}
      aside={<Link to="/runs">All runs</Link>}
    >
      {runs.length === 0 ? (
        <div className="card">
          <Empty compact icon="runs" title="Nothing ran yet." command="lockgate run" />
        </div>
      ) : (
        <ul className="card lines">
          {runs.map((run) => (
            <li key={run.id}>
              <Link to={runPath(run.id)} className="name">
                {run.request}
              </Link>
              <StateMark of={RUN_STATES[run.state]} />
              <p className="muted small">
                {run.actor}, <Time at={run.started_at} />, {run.ended_at ? "took " : "for "}
                <Took from={run.started_at} to={run.ended_at} />
              </p>
              {run.state === "running" && <TaskBar tasks={run.tasks} />}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Marts({ of }: { of: Overview }) {
  if (of.marts.length === 0) return null;
  return (
    <Section title="Freshness of the marts">
      <ul className="card lines marts">
        {of.marts.map((mart) => (
          <li key={mart.asset}>
            <AssetLink name={mart.asset} />
            <StateMark of={ASSET_STATES[mart.state]} />
            <p className="muted small">
              {mart.state === "inline" ? (
                "evaluated in its readers"
              ) : mart.published_at ? (
                <>
                  published <Time at={mart.published_at} />
                </>
              ) : (
                "no version yet"
              )}
              {mart.rows !== null && (
                <>
                  , <span className="num">{formatUnit(mart.rows, "row")}</span>
                </>
              )}
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Schedules({ of }: { of: Overview }) {
  return (
    <Section title="Schedules" aside={<Link to="/settings">Settings</Link>}>
      <ul className="card lines">
        {of.schedules.map((schedule) => (
          <li key={schedule.name}>
            <span className="name">{schedule.name}</span>
            <span className="small when">
              {schedule.paused ? (
                <span className="ink-warn">
                  <Icon name="pause" size={13} /> paused
                </span>
              ) : (
                <>
                  next <Time at={schedule.next_at} />
                </>
              )}
            </span>
            <p className="muted small">
              {schedule.paused
                ? `${schedule.paused.by}: ${schedule.paused.why}`
                : `${schedule.select}, ${schedule.cron} ${schedule.timezone}`}
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function NoAssets() {
  return (
    <div className="card">
      <Empty icon="assets" title="This project has no assets yet">
        <p>
          An asset is one file under <code>assets/</code>. Lockgate proposes a source, its contract and checks from a file of
          yours:
        </p>
        <Command text="lockgate init --from data/orders.csv" />
        <p>Then build and check everything:</p>
        <Command text="lockgate run" />
      </Empty>
    </div>
  );
}
