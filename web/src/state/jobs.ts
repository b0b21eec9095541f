// All jobs of the tenant, kept current by one stream. A page must not open more: over HTTP/1.1 a browser has six
// connections to a site, for all its tabs together. A page that nobody looks at closes its stream and continues from the
// cursor when it is looked at again.
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { batch, signal } from "@preact/signals";
import { jobService, streamTimeoutMs } from "../api/clients";
import { toCallError } from "../api/errors";
import { type Event, type Job, JobSchema, JobKind, JobState } from "../gen/vico/v1/job_pb";
import type { WatchJobsResponse } from "../gen/vico/v1/job_service_pb";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { seen } from "./seen";
import { access } from "./session";

export const jobs = signal<ReadonlyMap<string, Job>>(new Map());

/** "connecting" until the present state is there, "live" while events arrive. */
export const connection = signal<"connecting" | "live" | "offline">("connecting");

/** The server has answered since the page was opened. */
export const reached = signal(false);

type Listener = (job: string, event: Event) => void;
const listeners = new Set<Listener>();

/** Calls `listener` for each event of any job. Returns how to stop. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const isFinished = (job: Job): boolean =>
  job.state === JobState.SUCCEEDED || job.state === JobState.FAILED || job.state === JobState.CANCELLED;

export function putJob(job: Job): void {
  jobs.value = new Map(jobs.peek()).set(job.name, job);
}

export function removeJob(name: string): void {
  const rest = new Map(jobs.peek());
  rest.delete(name);
  jobs.value = rest;
}

export function newestFirst(all: Iterable<Job>): Job[] {
  const millis = (job: Job) => Number(job.createTime?.seconds ?? 0n) * 1000 + (job.createTime?.nanos ?? 0) / 1e6;
  return [...all].sort((a, b) => millis(b) - millis(a));
}

/** Fetches jobs that are older than those that are there. Returns whether there may be more. */
export async function loadOlder(kind: JobKind): Promise<boolean> {
  const oldest = newestFirst([...jobs.peek().values()].filter((job) => job.kind === kind)).at(-1);
  const page = await jobService.listJobs({
    pageSize: 100,
    filter: { kinds: [kind], createdBefore: oldest?.createTime ?? timestampFromDate(new Date()) },
  });
  const all = new Map(jobs.peek());
  for (const job of page.jobs) if (!all.has(job.name)) all.set(job.name, job);
  jobs.value = all;
  return page.nextPageToken !== "";
}

/** The job after an event. Events that it has seen change nothing. */
export function applyEvent(job: Job, event: Event): Job {
  if (event.sequence <= job.lastSequence) return job;
  const next = { ...job, lastSequence: event.sequence, attempt: event.attempt || job.attempt };
  const { what } = event;
  switch (what.case) {
    case "queued":
      next.state = JobState.QUEUED;
      next.queuePosition = what.value.position;
      break;
    case "started":
      next.state = JobState.RUNNING;
      next.startTime ??= event.time;
      next.baseModelUnavailable = false;
      break;
    case "progress":
      next.state = JobState.RUNNING;
      next.step = what.value.step;
      next.totalSteps = what.value.totalSteps;
      break;
    case "picture": {
      const picture = what.value;
      next.pictures = [...job.pictures.filter((one) => one.index !== picture.index), picture].sort(
        (a, b) => a.index - b.index,
      );
      break;
    }
    case "succeeded":
      next.state = JobState.SUCCEEDED;
      // An evaluation names the adapter that it has measured, which is not its result.
      if (job.kind === JobKind.TRAINING) next.adapter = what.value.adapter;
      next.finishTime = event.time;
      break;
    case "failed":
      next.state = JobState.FAILED;
      next.error = what.value.status;
      next.finishTime = event.time;
      break;
    case "cancelled":
      next.state = JobState.CANCELLED;
      next.finishTime = event.time;
      break;
  }
  return next;
}

/** Jobs of the present state; older ones are fetched when somebody asks for them. */
export const initialJobs = 500;

let cursor = "";
let fresh: Map<string, Job> | undefined; // the present state while it arrives

function take(message: WatchJobsResponse): void {
  const { job: name, item } = message;
  switch (item.case) {
    case "snapshot":
      if (fresh) fresh.set(name, item.value);
      else putJob(item.value);
      break;
    case "event": {
      const known = fresh?.get(name) ?? jobs.peek().get(name);
      const next = applyEvent(known ?? create(JobSchema, { name }), item.value);
      if (fresh?.has(name)) fresh.set(name, next);
      else if (known) putJob(next);
      for (const listener of listeners) listener(name, item.value);
      break;
    }
    case "position": {
      const known = jobs.peek().get(name);
      if (known)
        putJob({
          ...known,
          queuePosition: item.value.position,
          baseModelUnavailable: item.value.baseModelUnavailable,
        });
      break;
    }
    case "deleted":
      fresh?.delete(name);
      removeJob(name);
      break;
    case "ready":
      if (fresh) jobs.value = fresh;
      fresh = undefined;
      connection.value = "live";
      break;
  }
  if (message.cursor) cursor = message.cursor;
}

const hiddenSeconds = 2;

/** Aborts when nobody looks at the page for a while. */
function abortWhenHidden(controller: AbortController): () => void {
  let timer = 0;
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = window.setTimeout(() => controller.abort(), hiddenSeconds * 1000);
  };
  look();
  document.addEventListener("visibilitychange", look);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

let running = false;

/** Watches until the server refuses the caller. */
export async function watchJobs(): Promise<void> {
  if (running) return;
  running = true;
  performance.mark("vico-watch");
  for (let wait = 250; ;) {
    await seen();
    const controller = new AbortController();
    const forget = abortWhenHidden(controller);
    if (!cursor) fresh = new Map();
    try {
      const request = { cursor, initialJobs: cursor ? 0 : initialJobs };
      for await (const message of jobService.watchJobs(request, {
        signal: controller.signal,
        timeoutMs: streamTimeoutMs,
      })) {
        if (performance.getEntriesByName("vico-first-event").length === 0) performance.mark("vico-first-event");
        access.value = "open";
        reached.value = true;
        batch(() => take(message));
        if (cursor && !fresh) connection.value = "live";
        wait = 250;
      }
    } catch (thrown) {
      const error = toCallError(thrown);
      if (error.code === Code.Unauthenticated || error.code === Code.PermissionDenied) {
        access.value = "closed";
        running = false;
        return;
      }
      // Too old, or from before the server was restored: start with the present state.
      if (error.code === Code.InvalidArgument && cursor) cursor = "";
      else if (!controller.signal.aborted) {
        if (access.peek() === "unknown") access.value = "open";
        connection.value = "offline";
        await new Promise((resolve) => setTimeout(resolve, wait));
        wait = Math.min(wait * 2, 4000);
      }
    } finally {
      forget();
      controller.abort();
    }
  }
}
