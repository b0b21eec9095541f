// Short messages at the edge of the page, read aloud by screen readers.
import { signal } from "@preact/signals";
import { toCallError } from "../api/errors";

export interface Toast {
  id: number;
  text: string;
  kind: "info" | "error";
  action?: { label: string; run: () => void };
}

export const toasts = signal<Toast[]>([]);
let next = 0;

export function toast(
  text: string,
  options: { kind?: Toast["kind"]; action?: Toast["action"]; seconds?: number } = {},
): void {
  const id = next++;
  toasts.value = [...toasts.value.slice(-2), { id, text, kind: options.kind ?? "info", action: options.action }];
  setTimeout(() => dismiss(id), (options.seconds ?? (options.kind === "error" ? 12 : 6)) * 1000);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((entry) => entry.id !== id);
}

/** Says an error. Returns its sentence. */
export function sayError(thrown: unknown): string {
  const error = toCallError(thrown);
  const text = error.violations.length
    ? error.violations.map((one) => `${one.field}: ${one.text}`).join(" · ")
    : error.message;
  toast(text, { kind: "error" });
  return text;
}
