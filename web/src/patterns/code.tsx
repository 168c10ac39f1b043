// Source text with line numbers, and the difference of two texts. The colouring is a single regular expression: enough to read
// by, and a thousandth of an editor's weight.
import { useMemo, useState } from "react";
import { diffLines, toHunks } from "../diff/lines";
import { CopyButton } from "./command";
import "./code.css";

const WORDS =
  "select|from|where|group|by|order|having|join|left|right|full|inner|outer|cross|on|using|as|with|recursive|union|all|distinct|case|when|then|else|end|and|or|not|in|is|null|true|false|between|like|ilike|exists|over|partition|rows|range|limit|offset|filter|interval|cast|lateral|unnest|asc|desc|nulls|first|last|qualify|except|intersect|values";
const TOKEN = new RegExp(
  `(?<comment>--[^\\n]*|/\\*[\\s\\S]*?\\*/)|(?<string>'(?:[^']|'')*'|"(?:[^"\\\\]|\\\\.)*")|(?<number>\\b\\d+(?:\\.\\d+)?\\b)|(?<keyword>\\b(?:${WORDS})\\b)|(?<name>\\b[a-z_][\\w.]*(?=\\())`,
  "gi",
);
const YAML_TOKEN =
  /(?<comment>#[^\n]*)|(?<string>'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")|(?<keyword>^[ -]*[\w.]+(?=:))|(?<number>\b\d+(?:\.\d+)?\b)/gim;

function coloured(text: string, language: string) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(language === "sql" ? TOKEN : YAML_TOKEN)) {
    if (match.index > at) parts.push(text.slice(at, match.index));
    const kind = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined)?.[0];
    parts.push(
      <span key={match.index} className={`code-${kind}`}>
        {match[0]}
      </span>,
    );
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}

export function CodeView({ text, language, label }: { text: string; language: string; label: string }) {
  const lines = text.replace(/\n$/, "").split("\n").length;
  const content = useMemo(() => coloured(text.replace(/\n$/, ""), language), [text, language]);
  return (
    <div className="code-place" role="region" aria-label={label} tabIndex={0}>
      <pre className="line-numbers" aria-hidden="true">
        {Array.from({ length: lines }, (_, i) => i + 1).join("\n")}
      </pre>
      <pre className="code">{content}</pre>
      <CopyButton text={text} what="code" />
    </div>
  );
}

const SIGN = { same: " ", added: "+", removed: "−" } as const;
const WORD = { same: "", added: "added: ", removed: "removed: " } as const;

/** Equal stretches are folded; the fold opens on a click. */
export function LineDiff({ before, after, label }: { before: string | null; after: string | null; label: string }) {
  const [whole, setWhole] = useState(false);
  const lines = useMemo(() => diffLines(before ?? "", after ?? ""), [before, after]);
  const hunks = useMemo(() => (whole ? [{ lines }] : toHunks(lines)), [lines, whole]);
  return (
    <div className="line-diff" role="region" aria-label={label} tabIndex={0}>
      <table>
        <tbody>
          {hunks.map((hunk, h) =>
            "skipped" in hunk ? (
              <tr key={h} className="fold">
                <td colSpan={3}>
                  <button type="button" className="link-button" onClick={() => setWhole(true)}>
                    {hunk.skipped} equal lines
                  </button>
                </td>
              </tr>
            ) : (
              hunk.lines.map((line, i) => (
                <tr key={`${h}-${i}`} className={`line-${line.kind}`}>
                  <td className="at">{line.before}</td>
                  <td className="at">{line.after}</td>
                  <td className="text">
                    <span className="sign" aria-hidden="true">
                      {SIGN[line.kind]}
                    </span>
                    <span className="hidden-text">{WORD[line.kind]}</span>
                    {line.text || " "}
                  </td>
                </tr>
              ))
            ),
          )}
        </tbody>
      </table>
    </div>
  );
}
