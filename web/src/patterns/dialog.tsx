import { useEffect, useId, useRef, type ReactNode } from "react";
import { Icon } from "../icons/icon";
import "./dialog.css";

/** The browser's own modal dialog: it keeps the focus inside, closes on Escape and gives the focus back where it came from. */
export function Dialog({
  title,
  onClose,
  children,
  wide = false,
  bare = false,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
  bare?: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    const element = dialog.current;
    if (element && !element.open) element.showModal();
    // The browser would choose the close button; whoever opened a form wants its first field.
    element?.querySelector<HTMLElement>("input, textarea, select")?.focus();
    return () => {
      element?.close();
      // React has taken the dialog out of the page by then, so the browser's own giving back may have missed.
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={`dialog${wide ? " wide" : ""}${bare ? " bare" : ""}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header className={bare ? "hidden-text" : "dialog-head"}>
        <h2 id={id}>{title}</h2>
        {!bare && (
          <button type="button" className="button quiet icon-only" onClick={onClose} aria-label="Close">
            <Icon name="cross" />
          </button>
        )}
      </header>
      {children}
    </dialog>
  );
}
