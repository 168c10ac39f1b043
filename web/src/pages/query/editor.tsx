// The SQL editor: CodeMirror with the project's tables and columns to complete from.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { PostgreSQL, sql, type SQLNamespace } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { Schema } from "../../api/types";
import { schemaQuery } from "../../api/queries";

interface EditorProps {
  value: string;
  onChange: (value: string) => void;
  onRun: () => void;
}

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--code-keyword)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--code-comment)" },
  { tag: [tags.typeName, tags.standard(tags.name)], color: "var(--code-name)" },
]);

export default function Editor({ value, onChange, onRun }: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const language = useRef(new Compartment());
  const handlers = useRef({ onChange, onRun });
  const first = useRef(value);
  const schema = useQuery(schemaQuery()).data;
  useEffect(() => {
    handlers.current = { onChange, onRun };
  }, [onChange, onRun]);

  useEffect(() => {
    const run = () => {
      handlers.current.onRun();
      return true;
    };
    const leave = (target: EditorView) => {
      target.contentDOM.blur();
      return true;
    };
    const editor = new EditorView({
      parent: place.current as HTMLElement,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          Prec.highest(keymap.of([{ key: "Mod-Enter", run }])),
          lineNumbers(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false }),
          syntaxHighlighting(colours),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "SQL", "data-search": "" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) handlers.current.onChange(update.state.doc.toString());
          }),
          // Tab indents, so Escape must be a way out for whoever works by keyboard; it first closes the completions.
          keymap.of([
            ...completionKeymap,
            ...closeBracketsKeymap,
            ...historyKeymap,
            { key: "Escape", run: leave },
            ...defaultKeymap,
            indentWithTab,
          ]),
          language.current.of(sql({ dialect: PostgreSQL })),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value)
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    if (!schema || !view.current) return;
    const extended = sql({ dialect: PostgreSQL, schema: namespaceOf(schema), upperCaseKeywords: false });
    view.current.dispatch({ effects: language.current.reconfigure(extended) });
  }, [schema]);

  return <div ref={place} className="editor" />;
}

function namespaceOf(schema: Schema): SQLNamespace {
  const schemas: Record<string, Record<string, { label: string; detail: string; type: string }[]>> = {};
  for (const table of schema.tables) {
    const [first = "", second = ""] = table.name.split(".");
    (schemas[first] ??= {})[second] = table.columns.map((column) => ({
      label: column.name,
      detail: column.type,
      type: "property",
    }));
  }
  return schemas;
}
