// Work that goes on only while somebody looks at the page.

/** Resolves when somebody looks at the page. */
export function seen(): Promise<void> {
  return new Promise((resolve) => {
    if (!document.hidden) return resolve();
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
  });
}

/** Does `work` every `millis` while the page is seen. Returns how to stop. */
export function repeat(work: () => Promise<void>, millis: number): () => void {
  let stopped = false;
  void (async () => {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, millis));
      await seen();
      if (stopped) return;
      await work();
    }
  })();
  return () => (stopped = true);
}
