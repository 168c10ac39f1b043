// The keys that work on every page. None fires while the focus is in something that takes text.
import { useEffect } from "react";
import { toggleExactTimes } from "../patterns/time";
import { say } from "../patterns/notice";
import { navigate } from "../router/router";
import { places } from "../routes";

const takesText = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const CHORD_MS = 1200;

export function useKeys(open: (what: "palette" | "keys") => void): void {
  useEffect(() => {
    let chordUntil = 0;
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        open("palette");
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || takesText(event.target) || document.querySelector("dialog[open]"))
        return;
      if (event.timeStamp < chordUntil) {
        chordUntil = 0;
        const place = places.find((candidate) => candidate.key === event.key);
        if (place) {
          event.preventDefault();
          navigate(place.path);
          return;
        }
      }
      if (event.key === "g") chordUntil = event.timeStamp + CHORD_MS;
      else if (event.key === "?") open("keys");
      else if (event.key === "t") say(toggleExactTimes() ? "Times are exact now." : "Times are relative now.");
      else if (event.key === "/") {
        const search = document.querySelector<HTMLElement>("[data-search]");
        event.preventDefault();
        if (search) search.focus();
        else open("palette");
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [open]);
}
