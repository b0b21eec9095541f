// The job of a training: the loss, the samples over the steps, the masks over the concept's pictures.
import { useSignal } from "@preact/signals";
import { conceptService } from "../api/clients";
import { pictureUrl } from "../api/pictures";
import type { Concept } from "../gen/vico/v1/concept_pb";
import { type Event_Mask, type Event_Sample, type Job, JobState, type TrainSpec } from "../gen/vico/v1/job_pb";
import { LossChart } from "../parts/chart";
import type { LightboxPicture } from "../parts/lightbox";
import { isSmall, ZoomPicture } from "../parts/picture";
import type { History } from "../state/history";
import { useLoaded } from "../state/loaded";

export function Training({ job, spec, history }: { job: Job; spec: TrainSpec; history: History }) {
  const concept = useLoaded(() => conceptService.getConcept({ name: spec.conceptName }), spec.conceptName);
  const queued = job.state === JobState.QUEUED;
  return (
    <>
      <section class="card">
        <h2>Loss</h2>
        <p class="muted small">How wrong the training's guesses are. It falls at first, then stays about level.</p>
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
      <p class="muted small" style={{ marginBottom: "12px" }}>
        What the adapter draws so far. {spec.placeholder} stands for your {spec.initWord}.
      </p>
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
