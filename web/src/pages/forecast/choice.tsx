// Which models make the forecast, what else was tried, and what was done to the series before.
import { useMemo } from "react";
import { formatDecimal, formatShare } from "../../format/numbers";
import type { TimeKind } from "../../charts/time-kind";
import { Icon } from "../../icons/icon";
import { Section } from "../../patterns/detail";
import { Empty } from "../../patterns/empty";
import { choiceOf, inWords, tellModel, treatmentsOf, whyInWords, type Tried } from "./words";

export function ChoiceView({ json }: { json: unknown }) {
  const choice = useMemo(() => choiceOf(json), [json]);
  if (!choice) return null;
  const members = new Map(choice.members.map((member) => [member.model, member]));
  // Of the same search: what stands in the table may be of a later backtest.
  const naive = choice.tried.find((one) => one.model === "seasonal_naive")?.error ?? null;
  // Chosen ones are told above; here is how close the others came, the best first.
  const tried = choice.tried.toSorted((a, b) => (a.error ?? Infinity) - (b.error ?? Infinity));
  return (
    <>
      <Section title="Chosen models" lead={whyInWords(choice)}>
        {choice.members.length > 0 && (
          <ul className="card members">
            {choice.members.map((member) => (
              <li key={member.model}>
                <span className="row spread">
                  <strong>{tellModel(member.model)}</strong>
                  <span className="num">{formatShare(member.weight)}</span>
                </span>
                <span className="member-bar" aria-hidden="true">
                  <span style={{ width: `${Math.max(0, Math.min(100, member.weight * 100))}%` }} />
                </span>
                {member.form && member.form !== member.model && <code className="small muted">{member.form}</code>}
              </li>
            ))}
          </ul>
        )}
      </Section>
      {(choice.duel || choice.leftOut.length > 0) && (
        <ul className="card lines">
          {choice.duel && (
            <li>
              <span>{choice.duel.replaced ? "New models took the place of the old ones." : "The models before were kept."}</span>
              <p className="small muted">
                {tellModel(choice.duel.challenger)} against {tellModel(choice.duel.champion)}: {choice.duel.why}
              </p>
            </li>
          )}
          {choice.leftOut.length > 0 && (
            <li>
              <span>
                Done without <code>{choice.leftOut.join(", ")}</code>, which {choice.leftOut.length === 1 ? "is" : "are"} not
                known over the whole horizon.
              </span>
            </li>
          )}
        </ul>
      )}
      {tried.length > 0 && (
        <Section title="Tried" count={tried.length}>
          <ul className="card lines tried">
            {tried.map((one) => (
              <TriedLine key={one.model} of={one} chosen={members.has(one.model)} naive={naive} />
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

function TriedLine({ of, chosen, naive }: { of: Tried; chosen: boolean; naive: number | null }) {
  return (
    <li>
      <span className="row">
        <span className={chosen ? "ink-good" : "faint"}>
          <Icon name={chosen ? "check" : "minus"} size={13} />
        </span>
        {tellModel(of.model)}
        {chosen && <span className="tag">chosen</span>}
      </span>
      <span className="num">
        {of.error === null ? <span className="faint">no error known</span> : formatDecimal(of.error)}
        {of.error !== null && naive !== null && naive > 0 && (
          <span className="faint small"> {(of.error / naive).toFixed(2)} ×</span>
        )}
      </span>
      {of.left_out && <p className="small muted">{of.left_out}</p>}
    </li>
  );
}

export function TreatmentsView({ json, kind }: { json: unknown; kind: TimeKind }) {
  const treatments = useMemo(() => treatmentsOf(json), [json]);
  return (
    <Section title="Done to the series">
      {treatments.length === 0 ? (
        <div className="card">
          <Empty icon="check" title="Nothing had to be done" compact />
        </div>
      ) : (
        <ul className="card lines">
          {treatments.map((one, i) => {
            const { sentence, where } = inWords(one, kind);
            return (
              <li key={i}>
                <span>{sentence}.</span>
                {where && <p className="small muted num">{where}</p>}
              </li>
            );
          })}
        </ul>
      )}
    </Section>
  );
}
