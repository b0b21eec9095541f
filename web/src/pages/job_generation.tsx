// The job of a generation: its pictures as they form.
import { useEffect, useState } from "preact/hooks";
import { pictureUrl } from "../api/pictures";
import type { Event_Preview, GenerateSpec, Job } from "../gen/vico/v1/job_pb";
import { type LightboxPicture, openLightbox } from "../parts/lightbox";
import { Thumb } from "../parts/picture";
import type { History } from "../state/history";
import { isFinished } from "../state/jobs";
import { countOf, promptAt, promptsOf, seedAt } from "../state/prompts";
import { idOf } from "../text";

export function Generation({ job, spec, history }: { job: Job; spec: GenerateSpec; history: History }) {
  const pictures: LightboxPicture[] = job.pictures.map((picture) => ({
    ...picture,
    alt: promptAt(spec, picture.index),
  }));
  const each = countOf(spec);
  const prompts = promptsOf(spec);
  return (
    <section aria-label="What was drawn" class="stack">
      {prompts.map((prompt, at) => (
        <div class="stack tight" key={at}>
          {prompts.length > 1 && <h2>{prompt}</h2>}
          <ul class="plain tiles large">
            {Array.from({ length: each }, (_, index) => (
              <Drawn key={index} {...{ job, spec, history, pictures }} index={at * each + index} />
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

interface DrawnProps {
  job: Job;
  spec: GenerateSpec;
  history: History;
  pictures: LightboxPicture[];
  index: number;
}

function Drawn({ job, spec, history, pictures, index }: DrawnProps) {
  const at = job.pictures.findIndex((picture) => picture.index === index);
  const picture = job.pictures[at];
  const missing = isFinished(job) ? "not drawn" : "forming…";
  return (
    <li class="tile">
      {picture ? (
        <a
          class="picture"
          href={`/gallery/${idOf(job.name)}/${index}`}
          aria-label={`${promptAt(spec, index)}, seed ${seedAt(spec, index)}`}
        >
          <Thumb picture={picture} alt="" side={512} />
        </a>
      ) : (
        <Forming preview={history.previews.get(index)} done={isFinished(job)} />
      )}
      <div class="caption">
        <span>{picture ? `seed ${picture.seed}` : missing}</span>
        {picture && (
          <button type="button" class="button quiet compact" onClick={() => void openLightbox(pictures, at)}>
            Larger
          </button>
        )}
      </div>
    </li>
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
