// What was forecast before, against what came: in the row of a step stands what was said so many steps ahead.
import { LineChart, type Series } from "../../charts/line-chart";
import { formatCount, formatDecimal, formatUnit } from "../../format/numbers";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { percentOf } from "./head";
import type { Step } from "./queries";
import type { Shape } from "./shape";
import { formatValue } from "./values";

export function Scored({ of, steps }: { of: Shape; steps: Step[] }) {
  const arrived = steps.filter((step) => step.scored.error !== null || step.scored.actual !== null);
  return (
    <Section title="Forecast before, against what came" lead={arrived.length > 0 ? summary(of, arrived) : undefined}>
      {arrived.length === 0 ? (
        <div className="card">
          <Empty icon="clock" title="Nothing has arrived yet" compact>
            Scores arrive with the first actuals after a published forecast.
          </Empty>
        </div>
      ) : (
        <div className="card padded">
          <LineChart
            title="By step ahead"
            positions={arrived.map((step) => `step ${formatCount(step.step)}`)}
            series={linesOf(arrived)}
            format={formatValue}
            height={190}
          />
        </div>
      )}
    </Section>
  );
}

function linesOf(steps: Step[]): Series[] {
  const lines: Series[] = [
    { label: "forecast", values: steps.map((step) => step.scored.forecast) },
    { label: "came", values: steps.map((step) => step.scored.actual) },
  ];
  const there = lines.filter((line) => line.values.some((value) => value !== null));
  return there.length > 0 ? there : [{ label: "error", values: steps.map((step) => step.scored.error) }];
}

function summary(of: Shape, steps: Step[]): string {
  const mean = (values: (number | null)[]): number | null => {
    const there = values.filter((value) => value !== null);
    return there.length > 0 ? there.reduce((sum, value) => sum + value, 0) / there.length : null;
  };
  const error = mean(steps.map((step) => step.scored.error));
  const bias = mean(steps.map((step) => step.scored.bias));
  const inside = of.scoredLevels.flatMap((level, i) => {
    const share = mean(steps.map((step) => ((one) => (one == null ? null : one ? 1 : 0))(step.scored.inside[i])));
    return share === null ? [] : [`${percentOf(100 * share)} inside the interval of ${level.label}`];
  });
  const words = [
    formatUnit(steps.length, "step"),
    error !== null && `mean error ${formatDecimal(error)}`,
    bias !== null && (bias === 0 ? "no bias" : `${formatDecimal(Math.abs(bias))} too ${bias > 0 ? "high" : "low"} on average`),
    ...inside,
  ].filter(Boolean);
  return `${words.join(", ")}.`;
}
