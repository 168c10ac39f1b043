// What stands below the results: the course over versions, over the horizon, and series by series.
import { Accuracy } from "./accuracy";
import { Horizon } from "./horizon";
import type { Shape } from "./shape";
import { Worst } from "./worst";

export default function Details({ of }: { of: Shape }) {
  return (
    <>
      <Accuracy of={of} />
      <Horizon of={of} />
      {of.keys.length > 0 && <Worst of={of} />}
    </>
  );
}
