// What every page has: the bar, the messages, the state of the connection.
import type { ComponentChildren } from "preact";
import { computed } from "@preact/signals";
import { path } from "../router";
import { connection, isFinished, jobs } from "../state/jobs";
import { access, signedIn, signOut } from "../state/session";
import { dismiss, toasts } from "../state/toasts";
import { type Theme, theme } from "../state/theme";

const tabs = [
  ["/", "Concepts"],
  ["/jobs", "Jobs"],
  ["/adapters", "Adapters"],
  ["/gallery", "Gallery"],
] as const;

const active = computed(() => [...jobs.value.values()].filter((job) => !isFinished(job)).length);

function current(to: string): "page" | undefined {
  const at = path.value;
  const here = to === "/" ? at === "/" || at.startsWith("/concepts") || at === "/train" : at.startsWith(to);
  return here ? "page" : undefined;
}

const words = { connecting: "Connecting", live: "Live", offline: "Offline, trying again" };
const nextTheme: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
const themeSign: Record<Theme, string> = { auto: "◐", light: "☀", dark: "☾" };

export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <>
      <a class="button main skip" href="#main">
        Skip to content
      </a>
      <header class="bar">
        <div class="bar-inner">
          <a class="brand" href="/">
            <img src="/icon.svg" alt="" width={27} height={27} />
            Vico
          </a>
          {access.value === "open" && (
            <nav class="tabs" aria-label="Main">
              {tabs.map(([to, label]) => (
                <a key={to} href={to} aria-current={current(to)}>
                  {label}
                  {to === "/jobs" && active.value > 0 && (
                    <span class="count">
                      {active}
                      <span class="hidden-text"> not finished</span>
                    </span>
                  )}
                </a>
              ))}
            </nav>
          )}
          {access.value === "open" && (
            <span class={`status ${connection.value}`} role="status">
              {words[connection.value]}
            </span>
          )}
          <button
            type="button"
            class="button quiet icon"
            aria-label={`Colours: ${theme.value}. Change`}
            title={`Colours: ${theme.value}`}
            onClick={() => (theme.value = nextTheme[theme.value])}
          >
            <span aria-hidden="true">{themeSign[theme.value]}</span>
          </button>
          {signedIn.value && (
            <button type="button" class="button compact" onClick={() => void signOut()}>
              Sign out
            </button>
          )}
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <div class="toasts" role="region" aria-label="Messages" aria-live="polite">
        {toasts.value.map((entry) => (
          <div key={entry.id} class={`toast ${entry.kind}`}>
            <span>{entry.text}</span>
            {entry.action && (
              <button
                type="button"
                class="button compact"
                onClick={() => {
                  entry.action?.run();
                  dismiss(entry.id);
                }}
              >
                {entry.action.label}
              </button>
            )}
            <button type="button" class="button quiet icon" aria-label="Dismiss" onClick={() => dismiss(entry.id)}>
              ×
            </button>
          </div>
        ))}
      </div>
    </>
  );
}
