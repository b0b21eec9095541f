// Light, dark, or as the system says.
import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const saved = localStorage.getItem("theme");

export const theme = signal<Theme>(saved === "light" || saved === "dark" ? saved : "auto");

const system = matchMedia("(prefers-color-scheme: dark)");
export const systemDark = signal(system.matches);
system.addEventListener("change", () => (systemDark.value = system.matches));

effect(() => {
  localStorage.setItem("theme", theme.value);
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});
