import { useMutation } from "@tanstack/react-query";
import { useEffect, type FormEvent } from "react";
import { signIn } from "../api/client";
import { Command } from "../patterns/command";
import { Field, textOf } from "../patterns/form";
import { ProblemView } from "../patterns/problem";
import "./sign-in.css";

export default function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const sending = useMutation({ mutationFn: signIn, onSuccess: onSignedIn });
  useEffect(() => {
    document.title = "Sign in · Lockgate";
  }, []);
  const act = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    sending.mutate(textOf(new FormData(event.currentTarget), "token"));
  };
  return (
    <main className="sign-in">
      <form onSubmit={act} className="card">
        <svg width="40" height="40" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" fill="var(--accent)" />
          <path
            d="M8 8v16M24 8v16M8 11l8 5 8-5M8 21l8-5 8 5"
            fill="none"
            stroke="var(--on-accent)"
            strokeWidth="2.6"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
        <h1>Sign in to Lockgate</h1>
        <Field label="API token" hint="It is kept in a cookie that scripts cannot read, and leaves with Sign out.">
          {(ids) => (
            <input {...ids} name="token" type="password" autoComplete="current-password" required autoFocus spellCheck={false} />
          )}
        </Field>
        {sending.isError && <ProblemView error={sending.error} />}
        <button type="submit" className="button primary" disabled={sending.isPending}>
          {sending.isPending ? "Signing in …" : "Sign in"}
        </button>
        <div className="stack tight small muted">
          <p>No token yet? Whoever runs the server can make one:</p>
          <Command text="lockgate token create NAME --role viewer" />
        </div>
      </form>
    </main>
  );
}
