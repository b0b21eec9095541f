// The events of one job, gathered for its page. What was before comes from WatchJob, which is closed as soon as it has
// caught up; what is new comes from the page's one stream.
import { type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { jobService, streamTimeoutMs } from "../api/clients";
import { type CallError, isTransient, toCallError } from "../api/errors";
import type {
  Event,
  Event_Mask,
  Event_Preview,
  Event_Progress,
  Event_Sample,
  Event_Warning,
} from "../gen/vico/v1/job_pb";
import { jobs, onEvent, putJob } from "./jobs";

export interface History {
  sequence: bigint;
  steps: number[];
  losses: number[];
  progress?: Event_Progress;
  samples: Event_Sample[];
  masks: Event_Mask[];
  previews: ReadonlyMap<number, Event_Preview>;
  warnings: Event_Warning[];
  worker: string;
  device: string;
  loaded: boolean;
  error?: CallError;
}

export const emptyHistory: History = {
  sequence: 0n,
  steps: [],
  losses: [],
  samples: [],
  masks: [],
  previews: new Map(),
  warnings: [],
  worker: "",
  device: "",
  loaded: false,
};

/** Changes `view` by an event. Events that it has seen change nothing. */
export function addEvent(view: History, event: Event): void {
  if (event.sequence <= view.sequence) return;
  view.sequence = event.sequence;
  const { what } = event;
  switch (what.case) {
    case "started":
      view.worker = what.value.worker;
      view.device = what.value.device;
      view.progress = undefined;
      break;
    case "progress": {
      const step = Number(what.value.step);
      // Another attempt repeats the steps after its checkpoint.
      while (view.steps.length && view.steps[view.steps.length - 1] >= step) {
        view.steps.pop();
        view.losses.pop();
      }
      if (what.value.loss > 0) {
        view.steps.push(step);
        view.losses.push(what.value.loss);
      }
      view.progress = what.value;
      break;
    }
    case "sample": {
      const sample = what.value;
      const same = (one: Event_Sample) => one.step === sample.step && one.picture?.index === sample.picture?.index;
      view.samples = [...view.samples.filter((one) => !same(one)), sample];
      break;
    }
    case "mask": {
      const mask = what.value;
      const same = (one: Event_Mask) => one.step === mask.step && one.pictureIndex === mask.pictureIndex;
      view.masks = [...view.masks.filter((one) => !same(one)), mask];
      break;
    }
    case "preview":
      view.previews = new Map(view.previews).set(what.value.pictureIndex, what.value);
      break;
    case "warning":
      view.warnings = [...view.warnings, what.value];
      break;
  }
}

/** The mean of each value and the `width` - 1 before it. */
export function movingAverage(values: number[], width: number): number[] {
  const means: number[] = [];
  let sum = 0;
  for (let i = 0; i < values.length; ++i) {
    sum += values[i];
    if (i >= width) sum -= values[i - width];
    means.push(sum / Math.min(i + 1, width));
  }
  return means;
}

interface Open {
  view: Signal<History>;
  close(): void;
}

function openHistory(name: string): Open {
  const collected: History = { ...emptyHistory, steps: [], losses: [] };
  const view = signal<History>(emptyHistory);
  const early: Event[] = [];
  const controller = new AbortController();
  let shown = 0;
  // At most one update of the page a frame, however fast events arrive.
  const show = () => {
    shown ||= requestAnimationFrame(() => {
      shown = 0;
      // New arrays: a component whose properties are the same does not draw again.
      view.value = { ...collected, steps: [...collected.steps], losses: [...collected.losses] };
    });
  };
  const stop = onEvent((job, event) => {
    if (job !== name) return;
    if (!collected.loaded) early.push(event);
    else {
      addEvent(collected, event);
      show();
    }
  });

  const catchUp = async () => {
    const job = await jobService.getJob({ name }, { signal: controller.signal });
    if (!jobs.peek().has(name)) putJob(job);
    const stream = new AbortController();
    controller.signal.addEventListener("abort", () => stream.abort());
    try {
      if (collected.sequence < job.lastSequence) {
        const request = { name, afterSequence: collected.sequence };
        for await (const message of jobService.watchJob(request, {
          signal: stream.signal,
          timeoutMs: streamTimeoutMs,
        })) {
          if (message.item.case !== "event") continue;
          addEvent(collected, message.item.value);
          show();
          if (message.item.value.sequence >= job.lastSequence) break;
        }
      }
    } finally {
      stream.abort();
    }
    for (const event of early) addEvent(collected, event);
    early.length = 0;
    collected.loaded = true;
    collected.error = undefined;
    show();
  };

  void (async () => {
    for (let wait = 500; !controller.signal.aborted; wait = Math.min(wait * 2, 8000)) {
      try {
        await catchUp();
        return;
      } catch (thrown) {
        if (controller.signal.aborted) return;
        const error = toCallError(thrown);
        collected.error = error;
        show();
        if (!isTransient(error)) return;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  })();

  return {
    view,
    close() {
      stop();
      controller.abort();
      cancelAnimationFrame(shown);
    },
  };
}

/** The history of a job while the component is there. */
export function useHistory(name: string): History {
  const open = useMemo(() => openHistory(name), [name]);
  useEffect(() => () => open.close(), [open]);
  return open.view.value;
}
