// A value that is fetched: not yet, there, or why not.
import { type Signal, signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { type CallError, isTransient, toCallError } from "../api/errors";

export interface Loaded<T> {
  value?: T;
  error?: CallError;
}

export interface Source<T> extends Readonly<Signal<Loaded<T>>> {
  /** Fetches again; keeps the old value until the new one is there. */
  reload(): Promise<void>;
}

/** Fetches at once, and again with growing pauses while the server cannot be reached. */
export function load<T>(fetcher: () => Promise<T>): Source<T> {
  const source = signal<Loaded<T>>({}) as unknown as Source<T> & Signal<Loaded<T>>;
  let turn = 0;
  source.reload = async () => {
    const mine = ++turn;
    for (let wait = 500; mine === turn; wait = Math.min(wait * 2, 8000)) {
      try {
        const value = await fetcher();
        if (mine === turn) source.value = { value };
        return;
      } catch (thrown) {
        const error = toCallError(thrown);
        if (mine === turn) source.value = { value: source.peek().value, error };
        if (!isTransient(error)) return;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  };
  void source.reload();
  return source;
}

/** `load` for a component; fetches anew when `key` changes. */
export function useLoaded<T>(fetcher: () => Promise<T>, key: string): Source<T> {
  return useMemo(() => load(fetcher), [key]);
}
