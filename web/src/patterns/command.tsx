import { useState } from "react";
import { Icon } from "../icons/icon";
import "./command.css";

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no permission, or plain http: the text can still be selected
  }
}

/** A command to type in a terminal, with a button that copies it. */
export function Command({ text }: { text: string }) {
  return (
    <span className="command">
      <span aria-hidden="true" className="prompt">
        $
      </span>
      <code>{text}</code>
      <CopyButton text={text} what="command" />
    </span>
  );
}

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState<"" | "copied" | "select it and copy by hand">("");
  const act = async () => {
    setDone((await copy(text)) ? "copied" : "select it and copy by hand");
    setTimeout(() => setDone(""), 2500);
  };
  return (
    <button type="button" className="copy" onClick={() => void act()} aria-label={`Copy the ${what}`} title={`Copy the ${what}`}>
      <Icon name={done === "copied" ? "check" : "copy"} size={14} />
      <span role="status" className={done ? "copied" : "hidden-text"}>
        {done}
      </span>
    </button>
  );
}
