// The form pattern: a dialog with fields, a reason where the audit log wants one, and what the server refused shown in place.
import { useMutation } from "@tanstack/react-query";
import { useId, useState, type FormEvent, type ReactNode } from "react";
import { idempotencyKey } from "../api/client";
import { Dialog } from "./dialog";
import { say } from "./notice";
import { ProblemView } from "./problem";

interface FormProps<T> {
  title: string;
  submit: string;
  danger?: boolean;
  wide?: boolean;
  /** Sends what was filled in, under the form's one key, so that a second click cannot do it twice. A thrown ApiProblem is
   * shown above the buttons, the form stays as it is. */
  send: (values: FormData, key: string) => Promise<T>;
  /** What to say when it worked. */
  done?: (answer: T) => string;
  onDone?: (answer: T) => void;
  onClose: () => void;
  children: ReactNode;
}

export function FormDialog<T>({ title, submit, danger, wide, send, done, onDone, onClose, children }: FormProps<T>) {
  const [key] = useState(idempotencyKey);
  const sending = useMutation({
    mutationFn: (values: FormData) => send(values, key),
    onSuccess: (answer) => {
      if (done) say(done(answer));
      onClose();
      onDone?.(answer);
    },
  });
  const act = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!sending.isPending) sending.mutate(new FormData(event.currentTarget));
  };
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <form onSubmit={act}>
        <div className="dialog-body">
          {children}
          {sending.isError && <ProblemView error={sending.error} />}
        </div>
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className={`button ${danger ? "danger" : "primary"}`} disabled={sending.isPending}>
            {sending.isPending ? "Sending …" : submit}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

interface FieldProps {
  label: string;
  hint?: ReactNode;
  children: (ids: { id: string; "aria-describedby"?: string }) => ReactNode;
}
export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": hint ? `${id}-hint` : undefined })}
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** Why: required, kept in the audit log beside the actor. */
export function ReasonField({
  hint = "Kept in the audit log with your name.",
  optional = false,
}: {
  hint?: string;
  optional?: boolean;
}) {
  return (
    <Field label={optional ? "Reason (optional)" : "Reason"} hint={hint}>
      {(ids) => (
        <textarea {...ids} name="why" required={!optional} rows={3} placeholder="What did you look at, and why is this right?" />
      )}
    </Field>
  );
}

export const textOf = (values: FormData, name: string): string => {
  const value = values.get(name);
  return typeof value === "string" ? value.trim() : "";
};
/** Words between spaces or commas, as selectors are typed. */
export const wordsOf = (values: FormData, name: string): string[] => textOf(values, name).split(/\s+/).filter(Boolean);
