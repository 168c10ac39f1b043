import { useQuery } from "@tanstack/react-query";
import { useId, useState, type KeyboardEvent } from "react";
import { assetSearchQuery } from "../api/queries";
import { Icon, type IconName } from "../icons/icon";
import { Dialog } from "../patterns/dialog";
import { NameText } from "../patterns/name";
import { ASSET_STATES, StateMark } from "../patterns/state";
import { assetPath, gatePath, navigate } from "../router/router";
import { places } from "../routes";
import type { AssetState } from "../api/types";
import "./keys.css";

interface Choice {
  to: string;
  text: string;
  icon: IconName;
  state?: AssetState;
}

export default function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const search = text.trim().toLowerCase();
  const found = useQuery(assetSearchQuery(search));
  const choices: Choice[] = [
    ...places
      .filter((place) => place.label.toLowerCase().includes(search))
      .map((place) => ({ to: place.path, text: place.label, icon: place.icon })),
    ...(found.data?.items ?? []).flatMap((asset): Choice[] => [
      ...(asset.held ? [{ to: gatePath(asset.name), text: `Gate of ${asset.name}`, icon: "gate" as const }] : []),
      { to: assetPath(asset.name), text: asset.name, icon: "assets", state: asset.state },
    ]),
  ];
  // What was typed for comes first: assets, once the words name no page.
  const chosen = Math.min(at, choices.length - 1);
  const go = (choice: Choice | undefined) => {
    if (!choice) return;
    onClose();
    navigate(choice.to);
  };
  const press = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) setAt((chosen + step + choices.length) % Math.max(1, choices.length));
    else if (event.key === "Enter") go(choices[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Go to an asset or a page" onClose={onClose} bare>
      <div className="palette-input">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls={list}
          aria-activedescendant={choices.length > 0 ? `${list}-${chosen}` : undefined}
          aria-label="Asset or page"
          placeholder="Go to an asset or a page"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
          onKeyDown={press}
        />
        <kbd>Esc</kbd>
      </div>
      <div role="listbox" id={list} aria-label="Assets and pages" className="palette-list">
        {choices.map((choice, i) => (
          // The keyboard stays in the input (aria-activedescendant); a click is for the pointer.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <div
            key={choice.to}
            id={`${list}-${i}`}
            role="option"
            aria-selected={i === chosen}
            tabIndex={-1}
            onClick={() => go(choice)}
            onPointerMove={() => setAt(i)}
            ref={i === chosen ? (element) => element?.scrollIntoView({ block: "nearest" }) : undefined}
          >
            <Icon name={choice.icon} />
            <span>{choice.state ? <NameText name={choice.text} /> : choice.text}</span>
            {choice.state && <StateMark of={ASSET_STATES[choice.state]} />}
          </div>
        ))}
        {choices.length === 0 && <p className="muted">{found.isFetching ? "Searching …" : "Nothing has this name."}</p>}
      </div>
    </Dialog>
  );
}
