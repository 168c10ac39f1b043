// Short sentences about what just happened, read out by screen readers, gone after a while.
import { useSyncExternalStore } from "react";
import { Icon } from "../icons/icon";
import "./notice.css";

interface Notice {
  id: number;
  text: string;
}
let notices: Notice[] = [];
let nextId = 1;
const watchers = new Set<() => void>();
function set(next: Notice[]) {
  notices = next;
  for (const watcher of watchers) watcher();
}
const drop = (id: number) => set(notices.filter((notice) => notice.id !== id));
export function say(text: string): void {
  const id = nextId++;
  set([...notices.slice(-2), { id, text }]);
  setTimeout(() => drop(id), 7000);
}
const watch = (watcher: () => void) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};
export function Notices() {
  const shown = useSyncExternalStore(watch, () => notices);
  return (
    <div className="notices" role="status" aria-live="polite">
      {shown.map((notice) => (
        <div key={notice.id} className="notice">
          <Icon name="check" />
          <span>{notice.text}</span>
          <button type="button" className="copy" onClick={() => drop(notice.id)} aria-label="Close">
            <Icon name="cross" size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
