import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { AssetDetail } from "../../api/types";
import { previewQuery } from "../../api/queries";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { Grid } from "../../patterns/grid";
import { Loaded } from "../../patterns/problem";
import { Link } from "../../router/router";
import { queryHash } from "../query/share";

export default function PreviewTab({ asset }: { asset: AssetDetail }) {
  const numbers = [
    asset.live && { number: asset.live.number, word: "published" },
    asset.held && { number: asset.held.number, word: "held" },
  ].filter((one) => one !== null);
  const [chosen, setChosen] = useState(numbers[0]?.number ?? 0);
  const [rows, setRows] = useState(50);
  const query = useQuery({ ...previewQuery(asset.name, chosen, rows), enabled: chosen > 0 });
  if (numbers.length === 0)
    return (
      <div className="card">
        <Empty icon="assets" title="There is no version to look at" command={`lockgate run ${asset.name}`} />
      </div>
    );
  const isLive = chosen === asset.live?.number;
  return (
    <Section
      title={`First rows of version ${chosen}`}
      aside={
        <>
          {numbers.length > 1 && (
            <label className="row small">
              <span className="muted">Version</span>
              <select value={chosen} onChange={(event) => setChosen(Number(event.target.value))}>
                {numbers.map((one) => (
                  <option key={one.number} value={one.number}>{`${one.number}, ${one.word}`}</option>
                ))}
              </select>
            </label>
          )}
          <Link
            className="button small"
            to={`/query${queryHash(isLive ? `select * from ${asset.name} limit 100` : `select * from version('${asset.name}', ${chosen}) limit 100`)}`}
          >
            Query it
          </Link>
        </>
      }
    >
      <Loaded query={query} lines={8}>
        {(preview) => (
          <>
            <Grid label={`Rows of ${asset.name}`} columns={preview.columns} rows={preview.rows} />
            {preview.rows.length === rows && rows < 1000 && (
              <button type="button" className="button more" onClick={() => setRows(Math.min(1000, rows * 4))}>
                Show {Math.min(1000, rows * 4)} rows
              </button>
            )}
          </>
        )}
      </Loaded>
    </Section>
  );
}
