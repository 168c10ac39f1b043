// A forecast: how good it is, over versions, over its horizon and series by series; and one series with everything said of it.
import { lazy, Suspense, useState } from "react";
import type { AssetDetail } from "../../api/types";
import { Empty } from "../../patterns/empty";
import { Waiting } from "../../patterns/problem";
import { gatePath, Link, useRouter } from "../../router/router";
import { seriesOf } from "../forecast/address";
import { HeadView } from "../forecast/head";
import { shapeOf } from "../forecast/shape";
import "../forecast/forecast.css";

// Results are there at once; what is drawn or listed below them comes after the first paint.
const Details = lazy(() => import("../forecast/details"));
const SeriesView = lazy(() => import("../forecast/series"));

export default function ForecastTab({ asset }: { asset: AssetDetail }) {
  const { search } = useRouter().place;
  const shape = shapeOf(asset);
  const [first] = useState(search);
  if (!shape) return <NoForecast of={asset} />;
  const chosen = shape.keys.length === 0 ? { values: [], sum: null } : seriesOf(new URLSearchParams(search), shape.keys.length);
  const series = chosen && (
    <Suspense fallback={<Waiting lines={10} />}>
      <SeriesView key={JSON.stringify(chosen)} of={shape} series={chosen} focused={search !== first} />
    </Suspense>
  );
  if (chosen && shape.keys.length > 0) return series;
  return (
    <div className="stack loose">
      {/* What would be said of all series is said of the only one. */}
      {shape.keys.length > 0 ? <HeadView of={shape} /> : series}
      <Suspense fallback={<Waiting lines={10} />}>
        <Details of={shape} />
      </Suspense>
    </div>
  );
}

function NoForecast({ of }: { of: AssetDetail }) {
  return (
    <div className="card">
      {of.live ? (
        <Empty icon="overview" title="This version has no forecasts">
          Its columns are not those of a forecast: it comes from a time when the asset was something else.
        </Empty>
      ) : of.held ? (
        <Empty icon="gate" title="No forecast is published yet">
          The first version is held. <Link to={gatePath(of.name)}>Open the gate</Link>
        </Empty>
      ) : (
        <Empty icon="overview" title="No forecast is published yet" command={`lockgate run ${of.name}`}>
          The first run makes version 1.
        </Empty>
      )}
    </div>
  );
}
