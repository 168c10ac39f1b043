// How the errors went from version to version, from the profiles that are kept with each.
import { useQuery } from "@tanstack/react-query";
import type { ProfileHistory } from "../../api/types";
import { profileHistoryQuery } from "../../api/queries";
import { LineChart, type Series } from "../../charts/line-chart";
import { formatShort } from "../../format/numbers";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { Loaded } from "../../patterns/problem";
import { percentOf } from "./head";
import { insideQuery } from "./queries";
import type { Shape } from "./shape";

/** Versions whose intervals are looked at: each is a scan of one column. */
const MOST_VERSIONS = 20;
const READABLE = ["published", "superseded", "retracted"];

export function Accuracy({ of }: { of: Shape }) {
  const query = useQuery(profileHistoryQuery(of.asset));
  return (
    <Section
      title="Accuracy over versions"
      lead={`Mean absolute errors over all series${of.hasSums ? " and sums" : ""} of a version, in the unit of the value: in its backtest, and of what was forecast before and has come since.`}
    >
      <Loaded query={query} lines={6}>
        {(history) => <Charts of={of} history={history} />}
      </Loaded>
    </Section>
  );
}

function Charts({ of, history }: { of: Shape; history: ProfileHistory }) {
  const scoredVersions = versionsWith(history, "scored_error");
  const readable = scoredVersions.filter((version) => READABLE.includes(version.state)).map((version) => version.number);
  const inside = useQuery(insideQuery(of, readable.slice(-MOST_VERSIONS)));
  const positions = history.versions.map((version) => `v${version.number}`);
  const held = history.versions.flatMap((version, i) => (version.state === "held" ? [i] : []));
  const errors = (
    [
      ["scored_error", "what came"],
      ["backtest_error", "backtest"],
      ["naive_error", "last season repeated"],
    ] as const
  ).flatMap(([column, label]): Series[] => {
    const values = meansOf(history, column);
    return values.some((value) => value !== null) ? [{ label, values }] : [];
  });
  const measured = of.scoredLevels.flatMap((level, i): Series[] => {
    const values = history.versions.map((version) => inside.data?.get(version.number)?.[i] ?? null);
    if (values.every((value) => value === null)) return [];
    return [{ label: level.label, values }];
  });
  const promised = measured.map((one): Series => ({
    label: `${one.label} promised`,
    values: positions.map(() => of.scoredLevels.find((level) => level.label === one.label)?.percent ?? null),
    faint: true,
  }));
  if (errors.length === 0)
    return (
      <div className="card">
        <Empty icon="overview" title="No errors are known yet">
          A backtest needs a history of some seasons; scores arrive with the first actuals after a published forecast.
        </Empty>
      </div>
    );
  return (
    <div className="stack">
      {held.length > 0 && <p className="small muted">Held versions have a ring.</p>}
      <div className="charts">
        <div className="card padded">
          <LineChart
            title="Mean error"
            positions={positions}
            series={errors}
            format={formatShort}
            marked={held}
            fromZero
            height={190}
          />
        </div>
        {measured.length > 0 && (
          <div className="card padded">
            <LineChart
              title="Inside the intervals, of what came"
              positions={positions}
              series={[...measured, ...promised]}
              format={percentOf}
              marked={held}
              height={190}
            />
          </div>
        )}
      </div>
      {scoredVersions.length === 0 && (
        <div className="card">
          <Empty icon="clock" title="No scores yet" compact>
            Scores arrive with the first actuals after a published forecast.
          </Empty>
        </div>
      )}
    </div>
  );
}

export function meansOf(history: Pick<ProfileHistory, "columns">, column: string): (number | null)[] {
  return history.columns.find((one) => one.name === column)?.cells.map((cell) => cell?.mean ?? null) ?? [];
}

function versionsWith(history: ProfileHistory, column: string) {
  const cells = history.columns.find((one) => one.name === column)?.cells ?? [];
  return history.versions.filter((version, i) => {
    const cell = cells[i];
    return cell !== null && cell !== undefined && cell.nulls < version.rows;
  });
}
