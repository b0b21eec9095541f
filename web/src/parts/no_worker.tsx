// What is missing while no worker serves a base model, and what to do. The page looks for one by itself.
import { useEffect } from "preact/hooks";
import { isServed, useModels } from "../state/catalog";
import { repeat } from "../state/seen";

const lookMillis = 2000;

/** Looks for a worker while there is none. One part of the page does that, whichever page it is. */
export function useWorkerWatch(): void {
  const waiting = isServed.value === false;
  useEffect(() => (waiting ? repeat(() => useModels().reload(), lookMillis) : undefined), [waiting]);
}

/** Nothing while a worker serves a base model, or before it is known. */
export function NoWorker() {
  if (isServed.value !== false) return null;
  return (
    <div class="note warm apart" role="status">
      <span class="busy" aria-hidden="true" />
      <div>
        <strong>No worker is connected yet.</strong> Workers train and draw; you can upload pictures meanwhile, and jobs
        wait. Whoever runs this server starts one with <code>vico-worker --server HOST:PORT --base-model FOLDER</code>,
        where HOST:PORT is the server's <code>--worker-listen</code>. This page notices it by itself.
      </div>
    </div>
  );
}
