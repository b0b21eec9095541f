// The address bar as a signal. A click on a link of this site changes the page without loading it anew.
import { computed, signal } from "@preact/signals";

const address = signal(location.pathname + location.search);

export const path = computed(() => address.value.split("?")[0]);
export const query = computed(() => new URLSearchParams(address.value.split("?")[1] ?? ""));

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  address.value = to;
  scrollTo(0, 0);
}

/** The parts of the path after `prefix` if the path starts with it: "/jobs/7f" after "/jobs" is ["7f"]. */
export function below(prefix: string): string[] | null {
  if (path.value === prefix) return [];
  return path.value.startsWith(`${prefix}/`) ? path.value.slice(prefix.length + 1).split("/") : null;
}

export function startRouter(): void {
  addEventListener("popstate", () => (address.value = location.pathname + location.search));
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    const link = (event.target as Element).closest("a");
    if (!link || link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
    if (link.pathname.startsWith("/blob/") || link.hash) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
