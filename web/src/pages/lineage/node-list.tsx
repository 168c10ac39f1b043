import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState, type KeyboardEvent } from "react";
import type { Lineage } from "../../api/types";
import { formatCount } from "../../format/numbers";
import { Icon } from "../../icons/icon";
import { NameText } from "../../patterns/name";
import { ASSET_STATES } from "../../patterns/state";

const ROW_PX = 30;

/** Every asset of the graph by name, searchable. One tab stop; arrow keys move, Enter or a click chooses. */
export default function NodeList({
  nodes,
  chosen,
  onChoose,
}: {
  nodes: Lineage["nodes"];
  chosen: string | null;
  onChoose: (name: string) => void;
}) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const place = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    const search = text.trim().toLowerCase();
    return nodes.filter((node) => node.name.includes(search)).toSorted((a, b) => a.name.localeCompare(b.name));
  }, [nodes, text]);
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => place.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  const current = Math.min(at, shown.length - 1);
  const press = (event: KeyboardEvent) => {
    const step = (
      { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -shown.length, End: shown.length } as Record<string, number>
    )[event.key];
    if (step !== undefined) {
      const next = Math.max(0, Math.min(shown.length - 1, current + step));
      setAt(next);
      virtual.scrollToIndex(next);
    } else if (event.key === "Enter" && shown[current]) onChoose(shown[current].name);
    else return;
    event.preventDefault();
  };
  const id = (i: number) => `lineage-asset-${i}`;
  return (
    <section className="card node-list" aria-label="Assets of the graph">
      <div className="search-box">
        <Icon name="search" />
        <input
          type="search"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
          onKeyDown={press}
          placeholder="Find an asset"
          aria-label="Find an asset"
          aria-controls="lineage-assets"
          data-search=""
          spellCheck={false}
          autoComplete="off"
        />
      </div>
      <div
        ref={place}
        className="node-list-rows"
        id="lineage-assets"
        role="listbox"
        aria-label="Assets"
        tabIndex={0}
        onKeyDown={press}
        aria-activedescendant={shown.length > 0 ? id(current) : undefined}
      >
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const node = shown[item.index];
            if (!node) return null;
            const mark = ASSET_STATES[node.state];
            return (
              // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the listbox takes the keys
              <div
                key={node.name}
                id={id(item.index)}
                role="option"
                aria-selected={node.name === chosen}
                aria-setsize={shown.length}
                aria-posinset={item.index + 1}
                tabIndex={-1}
                className={item.index === current ? "current" : ""}
                style={{ transform: `translateY(${item.start}px)`, height: ROW_PX }}
                onClick={() => {
                  setAt(item.index);
                  onChoose(node.name);
                }}
                title={node.name}
              >
                <span className={`ink-${mark.tone}`}>
                  <Icon name={mark.icon} size={13} />
                  <span className="hidden-text">{mark.word}</span>
                </span>
                <span>
                  <NameText name={node.name} />
                </span>
              </div>
            );
          })}
        </div>
        {shown.length === 0 && <p className="muted padded">Nothing has this name.</p>}
      </div>
      <p className="small muted num node-list-foot">
        {formatCount(shown.length)} of {formatCount(nodes.length)}
      </p>
    </section>
  );
}
