import { Dialog } from "../patterns/dialog";
import { places } from "../routes";
import "./keys.css";

const rows: [string[], string][] = [
  [["Ctrl", "K"], "go to an asset or a page by name (⌘ K on a Mac)"],
  [["/"], "search on this page"],
  ...places.map((place): [string[], string] => [["g", place.key], place.label]),
  [["t"], "times exact or relative"],
  [["Ctrl", "Enter"], "run the query (in the editor)"],
  [["Esc"], "close a dialog; leave the editor's Tab key"],
  [["?"], "this list"],
];

export default function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="keys dialog-body">
        {rows.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
