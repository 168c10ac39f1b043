import { useQuery } from "@tanstack/react-query";
import type { AssetDetail } from "../../api/types";
import { codeQuery } from "../../api/queries";
import { CodeView } from "../../patterns/code";
import { Section } from "../../patterns/detail";
import { Loaded } from "../../patterns/problem";
import { assetPath, Link } from "../../router/router";

export default function CodeTab({ asset }: { asset: AssetDetail }) {
  const query = useQuery(codeQuery(asset.name));
  return (
    <Loaded query={query} lines={12}>
      {(code) => {
        const traced = code.columns.filter((column) => column.from.length > 0);
        return (
          <div className={traced.length > 0 ? "code-and-lineage" : ""}>
            <Section title="Code" count={<code className="small">{code.file}</code>}>
              <CodeView text={code.text} language={code.language} label={`Code of ${asset.name}`} />
            </Section>
            {traced.length > 0 && (
              <Section title="Column lineage">
                <ul className="card column-lineage">
                  {traced.map((column) => (
                    <li key={column.name}>
                      <code className="name">{column.name}</code>
                      <ul>
                        {column.from.map((from) => (
                          <li key={`${from.asset}.${from.column}`}>
                            <Link to={assetPath(from.asset)} className="mono small">
                              {from.asset}.<wbr />
                              {from.column}
                            </Link>
                          </li>
                        ))}
                      </ul>
                    </li>
                  ))}
                </ul>
              </Section>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}
