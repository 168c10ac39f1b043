import { Suspense, useState, type ReactNode } from "react";

/** A button that opens a form; the form, which may be loaded lazily, is in the page only while it is open. */
export function Opens({
  label,
  className = "button",
  disabled,
  title,
  children,
}: {
  label: ReactNode;
  className?: string;
  disabled?: boolean;
  title?: string;
  children: (close: () => void) => ReactNode;
}) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className={className} disabled={disabled} title={title} onClick={() => setOpen(true)}>
        {label}
      </button>
      {open && <Suspense fallback={null}>{children(() => setOpen(false))}</Suspense>}
    </>
  );
}
