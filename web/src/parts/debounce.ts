// Calls that follow what is typed: the last one counts.
import { useEffect, useRef } from "preact/hooks";

/** Runs `work` when `key` has not changed for `millis`. `work` gets a signal that aborts when it changes. */
export function useDebounced(key: string, millis: number, work: (signal: AbortSignal) => Promise<void>): void {
  const newest = useRef(work);
  newest.current = work;
  useEffect(() => {
    const controller = new AbortController();
    const timer = setTimeout(() => void newest.current(controller.signal).catch(() => undefined), millis);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key, millis]);
}
