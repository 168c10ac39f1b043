import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, StrictMode, Suspense, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { makeQueryClient } from "./api/queries";
import { App } from "./app";
import { connect } from "./live/live";
import { RouterProvider } from "./router/router";
import { routes } from "./routes";
import "./tokens.css";
import "./base.css";

const SignIn = lazy(() => import("./pages/sign-in"));

let signedOut: () => void = () => {};
const client = makeQueryClient(() => signedOut());

function Root() {
  const [needsSignIn, setNeedsSignIn] = useState(false);
  useEffect(() => {
    signedOut = () => setNeedsSignIn(true);
  }, []);
  useEffect(() => (needsSignIn ? undefined : connect(client)), [needsSignIn]);
  if (needsSignIn) {
    return (
      <Suspense fallback={null}>
        <SignIn
          onSignedIn={() => {
            client.clear();
            setNeedsSignIn(false);
          }}
        />
      </Suspense>
    );
  }
  return <App />;
}

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider routes={routes}>
        <Root />
      </RouterProvider>
    </QueryClientProvider>
  </StrictMode>,
);
