// One job, live. Of a training: the loss, the samples over the steps, the masks over the concept's pictures. Of a
// generation: the pictures as they form.
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { conceptService, jobService, requestId } from "../api/clients";
import { pictureUrl } from "../api/pictures";
import type { Concept } from "../gen/vico/v1/concept_pb";
import type { Event_Mask, Event_Preview, Event_Sample, GenerateSpec, Job, TrainSpec } from "../gen/vico/v1/job_pb";
import { JobState } from "../gen/vico/v1/job_pb";
import { LossChart } from "../parts/chart";
import { Confirm } from "../parts/dialogs";
import { Busy, ErrorNote, Head } from "../parts/elements";
import { jobTitle, StateChip } from "../parts/job_table";
import { isSmall, Thumb, ZoomPicture } from "../parts/picture";
import { type LightboxPicture, openLightbox } from "../parts/lightbox";
import { navigate } from "../router";
import { type History, useHistory } from "../state/history";
import { isFinished, jobs, putJob, removeJob } from "../state/jobs";
import { useLoaded } from "../state/loaded";
import { sayError, toast } from "../state/toasts";
import { duration, forPeople, idOf, number, plural, seconds, when } from "../text";

export function JobPage({ name }: { name: string }) {
  const history = useHistory(name);
  const job = jobs.value.get(name);
  if (!job) return history.error ? <ErrorNote error={history.error} /> : <Busy />;
  const kind = job.spec?.kind;
  return (
    <>
      <JobHead job={job} />
      <Standing job={job} history={history} />
      {kind?.case === "train" && <Training job={job} spec={kind.value} history={history} />}
      {kind?.case === "generate" && <Generation job={job} spec={kind.value} history={history} />}
      <Details job={job} history={history} />
    </>
  );
}

function JobHead({ job }: { job: Job }) {
  const asking = useSignal<"" | "cancel" | "delete">("");
  const act = async (work: () => Promise<Job>, said: string) => {
    try {
      putJob(await work());
      toast(said);
    } catch (error) {
      sayError(error);
    }
  };
  const { name } = job;
  const done = isFinished(job);
  const training = job.spec?.kind.case === "train";
  const canFinish =
    training && job.state === JobState.RUNNING && job.step > 0n && !job.finishRequested && !job.cancelRequested;
  return (
    <Head title={jobTitle(job)} crumb={<a href="/jobs">Jobs</a>}>
      {job.adapter && (
        <>
          <a class="button main" href={`/gallery?adapter=${idOf(job.adapter)}`}>
            Draw with it
          </a>
          <a class="button" href={`/adapters/${idOf(job.adapter)}`}>
            The adapter
          </a>
        </>
      )}
      {canFinish && (
        <button
          type="button"
          class="button"
          onClick={() =>
            void act(
              () => jobService.finishTraining({ name }),
              "The training ends with its next step and keeps the adapter.",
            )
          }
        >
          Finish early
        </button>
      )}
      {!done && !job.cancelRequested && (
        <button type="button" class="button danger" onClick={() => (asking.value = "cancel")}>
          Cancel
        </button>
      )}
      {(job.state === JobState.FAILED || job.state === JobState.CANCELLED) && (
        <button
          type="button"
          class="button main"
          onClick={async () => {
            try {
              const again = await jobService.retryJob({ name, requestId: requestId() });
              putJob(again);
              navigate(`/jobs/${idOf(again.name)}`);
            } catch (error) {
              sayError(error);
            }
          }}
        >
          Try again
        </button>
      )}
      {done && (
        <button type="button" class="button danger" onClick={() => (asking.value = "delete")}>
          Delete
        </button>
      )}
      {asking.value === "cancel" && (
        <Confirm
          title="Cancel this job?"
          text={
            training ? "The adapter so far is lost. “Finish early” would keep it." : "Pictures that are finished stay."
          }
          action="Cancel the job"
          onConfirm={() => void act(() => jobService.cancelJob({ name }), "The job is being cancelled.")}
          onClose={() => (asking.value = "")}
        />
      )}
      {asking.value === "delete" && (
        <Confirm
          title="Delete this job?"
          text={training ? "Its events and samples are removed. The adapter stays." : "Its pictures are removed."}
          action="Delete"
          onConfirm={async () => {
            try {
              await jobService.deleteJob({ name });
              removeJob(name);
              navigate("/jobs");
            } catch (error) {
              sayError(error);
            }
          }}
          onClose={() => (asking.value = "")}
        />
      )}
    </Head>
  );
}

/** Where the job stands, in a line and a bar; said aloud when the state changes, not at each step. */
function Standing({ job, history }: { job: Job; history: History }) {
  const step = Number(history.progress?.step ?? job.step);
  const total = Number(history.progress?.totalSteps || job.totalSteps);
  const left = seconds(history.progress?.eta);
  const running = job.state === JobState.RUNNING;
  return (
    <div class="stack tight" style={{ marginBottom: "26px" }}>
      <div class="row spread">
        <div class="row">
          <span role="status">
            <StateChip job={job} />
          </span>
          <span class="muted">{sentence(job)}</span>
        </div>
        {running && total > 0 && (
          <span class="muted number">
            step {step} of {total}
            {left > 0 && ` · about ${duration(left)} left`}
          </span>
        )}
      </div>
      {running && <progress aria-label="Progress" max={total || 1} value={total ? step : 0} />}
      {job.error && (
        <div class="note bad" role="alert">
          {forPeople(job.error.message)}
        </div>
      )}
      {history.warnings.map((warning) => (
        <div class="note warm" key={warning.message}>
          {forPeople(warning.message)}
        </div>
      ))}
    </div>
  );
}

function sentence(job: Job): string {
  if (job.cancelRequested && !isFinished(job)) return "It is cancelled; the worker learns it with its next report.";
  if (job.finishRequested && !isFinished(job)) return "It ends with its next step and keeps the adapter.";
  switch (job.state) {
    case JobState.QUEUED:
      if (job.baseModelUnavailable) return "No worker serves its base model now. It waits for one.";
      return job.queuePosition
        ? `${plural(Number(job.queuePosition), "job")} before it in the queue.`
        : "Next in the queue.";
    case JobState.RUNNING:
      return job.attempt > 1 ? `Attempt ${job.attempt}.` : "";
    case JobState.SUCCEEDED:
    case JobState.FAILED:
    case JobState.CANCELLED:
      return when(job.finishTime);
    default:
      return "";
  }
}

function Training({ job, spec, history }: { job: Job; spec: TrainSpec; history: History }) {
  const concept = useLoaded(() => conceptService.getConcept({ name: spec.conceptName }), spec.conceptName);
  const queued = job.state === JobState.QUEUED;
  return (
    <>
      <section class="card">
        <h2>Loss</h2>
        {history.steps.length || !queued ? (
          <LossChart steps={history.steps} losses={history.losses} total={Number(job.totalSteps || spec.steps || 1)} />
        ) : (
          <p class="muted">The curve begins with the first step.</p>
        )}
      </section>
      {history.samples.length > 0 && <Samples spec={spec} samples={history.samples} />}
      {history.masks.length > 0 && concept.value.value && <Masks concept={concept.value.value} masks={history.masks} />}
    </>
  );
}

/** A strip for each prompt: what the adapter drew at one step after the other. */
function Samples({ spec, samples }: { spec: TrainSpec; samples: Event_Sample[] }) {
  const prompts = spec.samplePrompts.length ? spec.samplePrompts : [spec.samplePrompt];
  return (
    <section>
      <h2>Samples</h2>
      <div class="stack">
        {prompts.map((prompt, index) => {
          const own = samples.filter((sample) => (sample.picture?.index ?? 0) === index);
          if (!own.length) return null;
          own.sort((a, b) => Number(a.step - b.step));
          const pictures: LightboxPicture[] = own.map(({ step, picture }) => ({
            name: picture?.name ?? "",
            blob: picture?.blob,
            width: picture?.width,
            height: picture?.height,
            alt: `${prompt}, step ${step}`,
          }));
          return (
            <div class="stack tight" key={index}>
              <p class="muted small">{prompt}</p>
              <ol class="strip" tabIndex={0} aria-label={`${prompt}, over the steps`}>
                {pictures.map((picture, at) => (
                  <li class="tile" key={picture.name}>
                    <ZoomPicture picture={picture} alt={picture.alt} among={pictures} index={at} />
                    <div class="caption">
                      <span>{own[at].step === 0n ? "before" : `step ${own[at].step}`}</span>
                    </div>
                  </li>
                ))}
              </ol>
            </div>
          );
        })}
      </div>
    </section>
  );
}

/** The pictures of the concept, lit where the learned mask is: what the adapter takes for the thing. */
function Masks({ concept, masks }: { concept: Concept; masks: Event_Mask[] }) {
  const steps = [...new Set(masks.map((mask) => mask.step))].sort((a, b) => Number(a - b));
  const chosen = useSignal(-1); // the newest
  const lit = useSignal(true);
  const at = chosen.value < 0 || chosen.value >= steps.length ? steps.length - 1 : chosen.value;
  const shown = masks.filter((mask) => mask.step === steps[at]);
  const coverage = shown.reduce((sum, mask) => sum + mask.coverage, 0) / Math.max(1, shown.length);
  return (
    <section>
      <div class="row spread" style={{ marginBottom: "14px" }}>
        <h2>What it looks at</h2>
        <div class="row">
          {steps.length > 1 && (
            <label class="row small">
              <span class="muted number">step {String(steps[at])}</span>
              <input
                type="range"
                aria-label="Step of the masks"
                min={0}
                max={steps.length - 1}
                value={at}
                onInput={(event) => {
                  const index = Number(event.currentTarget.value);
                  chosen.value = index === steps.length - 1 ? -1 : index;
                }}
              />
            </label>
          )}
          <label class="check small">
            <input
              type="checkbox"
              checked={lit.value}
              onChange={(event) => (lit.value = event.currentTarget.checked)}
            />
            Show the masks
          </label>
        </div>
      </div>
      <p class="muted small" style={{ marginBottom: "12px" }}>
        The learned mask lights up what the adapter takes for the thing: {Math.round(coverage * 100)} % of the pictures.
      </p>
      <ul class="plain tiles medium">
        {concept.pictures.map((picture, index) => {
          const mask = shown.find((one) => one.pictureIndex === index);
          const source = pictureUrl(picture.name, picture.blob, isSmall(picture) ? 0 : 256);
          const label = picture.fileName || `Picture ${index + 1}`;
          const on = lit.value && mask;
          return (
            <li class="tile" key={index}>
              <div class="masked">
                <img class={on ? "dim" : ""} src={source} alt={on ? `${label}, with its mask` : label} />
                {on && (
                  <div
                    class="light"
                    style={{
                      backgroundImage: `url("${source}")`,
                      maskImage: `url("${pictureUrl(mask.name, mask.blob)}")`,
                    }}
                  />
                )}
              </div>
              <div class="caption">
                <span>{label}</span>
                {mask && <span class="number">{Math.round(mask.coverage * 100)} %</span>}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Generation({ job, spec, history }: { job: Job; spec: GenerateSpec; history: History }) {
  const count = Math.max(spec.pictureCount ?? 1, job.pictures.length);
  const pictures: LightboxPicture[] = job.pictures.map((picture) => ({ ...picture, alt: spec.prompt }));
  return (
    <section aria-label="What was drawn">
      <ul class="plain tiles large">
        {Array.from({ length: count }, (_, index) => {
          const at = job.pictures.findIndex((picture) => picture.index === index);
          const picture = job.pictures[at];
          return (
            <li class="tile" key={index}>
              {picture ? (
                <a class="picture" href={`/gallery/${idOf(job.name)}/${index}`} aria-label={`Picture ${index + 1}`}>
                  <Thumb picture={picture} alt="" side={512} />
                </a>
              ) : (
                <Forming preview={history.previews.get(index)} done={isFinished(job)} />
              )}
              <div class="caption">
                <span>{picture ? `seed ${picture.seed}` : isFinished(job) ? "not drawn" : "forming…"}</span>
                {picture && (
                  <button type="button" class="button quiet compact" onClick={() => void openLightbox(pictures, at)}>
                    Larger
                  </button>
                )}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** The newest preview that could be fetched: it changes when the next one is there, so nothing flickers. */
export function Forming({ preview, done }: { preview?: Event_Preview; done: boolean }) {
  const [shown, setShown] = useState<{ url: string; step: string }>();
  const url = preview ? pictureUrl(preview.name, preview.blob) : "";
  useEffect(() => {
    if (!url || !preview) return;
    const image = new Image();
    image.onload = () => setShown({ url, step: String(preview.step) });
    image.src = url;
  }, [url]);
  return (
    <div class={`picture waiting ${shown || done ? "" : "skeleton"}`}>
      {shown && <img src={shown.url} alt={`Preview at step ${shown.step}`} />}
      {shown && <span class="badge">step {shown.step}</span>}
    </div>
  );
}

function Details({ job, history }: { job: Job; history: History }) {
  const kind = job.spec?.kind;
  const facts: [string, string][] = [["Created", when(job.createTime)]];
  if (history.worker) facts.push(["Worker", `${history.worker} (${history.device})`]);
  if (history.progress?.secondsPerStep) facts.push(["Time of a step", duration3(history.progress.secondsPerStep)]);
  if (kind?.case === "train") {
    const spec = kind.value;
    facts.push(["Base model", idOf(spec.baseModel)], ["Word", `${spec.initWord}, written ${spec.placeholder}`]);
    facts.push(["Steps", String(spec.steps ?? "")], ["Rows of a step", String(spec.batchSize ?? "")]);
    facts.push(
      ["Learning rates", `${number(spec.embeddingLearningRate ?? 0)}, ${number(spec.attentionLearningRate ?? 0)}`],
      ["Seed", String(spec.seed ?? "")],
    );
  } else if (kind?.case === "generate") facts.push(...settingsOf(kind.value));
  return (
    <section>
      <details class="more card">
        <summary>Details</summary>
        <dl class="facts">
          {facts.map(([term, text]) => (
            <>
              <dt>{term}</dt>
              <dd>{text}</dd>
            </>
          ))}
          <dt>Name</dt>
          <dd>
            <code>{job.name}</code>
          </dd>
          {kind?.case === "train" && (
            <>
              <dt>Concept</dt>
              <dd>
                <a href={`/${kind.value.conceptName}`}>{idOf(kind.value.conceptName)}</a>
              </dd>
            </>
          )}
        </dl>
      </details>
    </section>
  );
}

const duration3 = (value: number): string => (value < 1 ? `${Math.round(value * 1000)} ms` : `${number(value)} s`);

export function settingsOf(spec: GenerateSpec): [string, string][] {
  const all: [string, string | undefined][] = [
    ["Prompt", spec.prompt],
    ["Without", spec.negativePrompt],
    ["Steps", spec.steps?.toString()],
    ["Guidance", spec.guidanceScale === undefined ? undefined : number(spec.guidanceScale)],
    ["Scheduler", spec.scheduler],
    ["Size", spec.width ? `${spec.width} × ${spec.height}` : undefined],
  ];
  return all.filter((entry): entry is [string, string] => !!entry[1]);
}
