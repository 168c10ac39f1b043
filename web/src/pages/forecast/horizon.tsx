// The error by how far ahead it was said.
import { useQuery } from "@tanstack/react-query";
import { LineChart, type Series } from "../../charts/line-chart";
import { formatCount, formatShort } from "../../format/numbers";
import { Section } from "../../patterns/detail";
import { Loaded } from "../../patterns/problem";
import { percentOf } from "./head";
import { horizonQuery, type HorizonStep } from "./queries";
import type { Shape } from "./shape";

export function Horizon({ of }: { of: Shape }) {
  const isScored = of.has("step") && of.has("scored_error");
  const query = useQuery({ ...horizonQuery(of), enabled: isScored });
  // Without scores there is nothing to say here; the section before this one says when they come.
  if (!isScored || query.data?.length === 0) return null;
  return (
    <Section
      title="Error by step ahead"
      lead="What was said so many steps ahead, against what came since the version before, over all series."
    >
      <Loaded query={query} lines={5}>
        {(steps) => <Charts of={of} steps={steps} />}
      </Loaded>
    </Section>
  );
}

function Charts({ of, steps }: { of: Shape; steps: HorizonStep[] }) {
  const positions = steps.map((step) => `step ${formatCount(step.step)}`);
  const errors: Series[] = [{ label: "mean error", values: steps.map((step) => step.error) }];
  if (steps.some((step) => step.bias !== null))
    errors.push({ label: "forecast − actual", values: steps.map((step) => step.bias) });
  return (
    <div className="charts">
      <div className="card padded">
        <LineChart title="Error" positions={positions} series={errors} format={formatShort} fromZero height={180} />
      </div>
      {of.scoredLevels.length > 0 && (
        <div className="card padded">
          <LineChart
            title="Inside the intervals"
            positions={positions}
            series={[
              ...of.scoredLevels.map((level, i) => ({
                label: level.label,
                values: steps.map((step) => step.inside[i] ?? null),
              })),
              ...of.scoredLevels.map((level) => ({
                label: `${level.label} promised`,
                values: steps.map(() => level.percent),
                faint: true,
              })),
            ]}
            format={percentOf}
            height={180}
          />
        </div>
      )}
    </div>
  );
}
