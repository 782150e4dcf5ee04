import { effect, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { connect, connection } from "./live.ts";
import { Notice } from "./notice.tsx";
import { ProjectPage } from "./project-page.tsx";
import { ProjectsPage } from "./projects-page.tsx";
import { PROJECTS_LINK, route } from "./route.ts";
import { ask, Problem } from "./service.ts";
import { type Access, access, needsToken, token } from "./session.ts";
import { TokenDialog, TokenGate } from "./token.tsx";

// Another token sees other projects: everything begins anew.
effect(() => {
  void token.value;
  connect();
  void learnAccess();
});

async function learnAccess(): Promise<void> {
  try {
    access.value = await ask<Access>("/v1/token");
  } catch (error) {
    // Not known, then: the service itself refuses what the token may not do.
    if (!(error instanceof Problem)) throw error;
  }
}

const STATUS = {
  connecting: "Connecting…",
  live: "Live",
  waiting: "Reconnecting…",
  refused: "Not connected",
} as const;

export function App() {
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the content
      </button>
      <Header />
      <main id="main" tabIndex={-1}>
        {needsToken.value ? <TokenGate /> : <Page />}
      </main>
      <Notice />
    </>
  );
}

function Header() {
  const isOpen = useSignal(false);
  const status = connection.value;
  const who = access.value?.name ?? (token.value === null ? undefined : "token");
  return (
    <header class="top">
      <a class="brand" href={PROJECTS_LINK}>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M5 23h7v-7h7V9h5" />
          <circle cx="26" cy="9" r="3" />
        </svg>
        model-ledger
      </a>
      <span role="status" class={`status status-${status}`}>
        {STATUS[status]}
      </span>
      <button
        type="button"
        class="quiet"
        onClick={() => {
          isOpen.value = true;
        }}
      >
        {who === undefined ? "Token…" : who}
      </button>
      {isOpen.value && (
        <TokenDialog
          onClose={() => {
            isOpen.value = false;
          }}
        />
      )}
    </header>
  );
}

/** A new page is read from its heading, as after any other link. */
function Page() {
  const here = route.value;
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) {
      document.getElementById("main")?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [here]);
  return here.page === "project" ? <ProjectPage key={here.project} project={here.project} /> : <ProjectsPage />;
}
