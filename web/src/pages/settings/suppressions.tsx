import { useQuery } from "@tanstack/react-query";
import { knownFailuresQuery, suppressionsQuery } from "../../api/queries";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { AssetLink } from "../../patterns/name";
import { Loaded } from "../../patterns/problem";
import { KnownLine, SuppressionLine } from "../asset/schema-tab";

export function Suppressions() {
  const suppressions = useQuery(suppressionsQuery());
  const known = useQuery(knownFailuresQuery());
  return (
    <div className="stack loose">
      <Section
        title="Suppressions"
        count={suppressions.data?.items.length}
        lead="One check may fail for a limited time, with a reason. Made on the asset's page."
      >
        <Loaded query={suppressions}>
          {(page) => (
            <div className="card">
              {page.items.length === 0 ? (
                <Empty
                  compact
                  icon="mute"
                  title="No check is suppressed."
                  command='lockgate suppress NAME CHECK --until DATE --why "…"'
                />
              ) : (
                <ul className="lines">
                  {page.items.map((one) => (
                    <SuppressionLine key={one.asset + one.check + one.made_at} of={one} lead={<AssetLink name={one.asset} />} />
                  ))}
                </ul>
              )}
            </div>
          )}
        </Loaded>
      </Section>
      <Section
        title="Known failures"
        count={known.data?.items.length}
        lead="From lockgate.known.yml, kept in git: failures that were there when the gate was introduced. They hold only when they get worse."
      >
        <Loaded query={known}>
          {(page) => (
            <div className="card">
              {page.items.length === 0 ? (
                <Empty compact icon="bookmark" title="No known failures." command="lockgate baseline" />
              ) : (
                <ul className="lines">
                  {page.items.map((one) => (
                    <KnownLine key={one.asset + one.check} of={one} lead={<AssetLink name={one.asset} />} />
                  ))}
                </ul>
              )}
            </div>
          )}
        </Loaded>
      </Section>
    </div>
  );
}
