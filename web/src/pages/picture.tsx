// One drawn picture: large, beside what the base model alone draws, with its settings and what is said about it.
import { create } from "@bufbuild/protobuf";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { jobService, requestId } from "../api/clients";
import { toCallError } from "../api/errors";
import { pictureUrl } from "../api/pictures";
import { type GenerateSpec, GenerateSpecSchema, type Job, JobState, type Picture } from "../gen/vico/v1/job_pb";
import { Compare } from "../parts/compare";
import { Confirm } from "../parts/dialogs";
import { Busy, Empty, ErrorNote, Field, Head } from "../parts/elements";
import { ZoomPicture } from "../parts/picture";
import { Stars } from "../parts/stars";
import { navigate } from "../router";
import { adapterNamed, useAdapters } from "../state/catalog";
import { draft, draftOf, edit, edited, takeSettings } from "../state/draft";
import { isFinished, jobs, putJob, removeJob } from "../state/jobs";
import { rate, ratingOf, setLabel, tagsOf, twinKey } from "../state/labels";
import { promptAt } from "../state/prompts";
import { useLoaded } from "../state/loaded";
import { sayError, toast } from "../state/toasts";
import { missingPicture } from "../state/uploads";
import { adapterTitle, idOf, withClassWord } from "../text";
import { settingsOf } from "./job_details";

export function PicturePage({ job: name, index }: { job: string; index: number }) {
  const known = jobs.value.get(name);
  const fetched = useLoaded(async () => {
    const job = jobs.peek().get(name) ?? (await jobService.getJob({ name }));
    putJob(job);
    return job;
  }, name);
  const job = known ?? fetched.value.value;
  if (!job) return fetched.value.error ? <ErrorNote error={fetched.value.error} /> : <Busy />;
  const picture = job.pictures.find((one) => one.index === index);
  if (!picture || job.spec?.kind.case !== "generate")
    return (
      <Empty title="There is no such picture" text="It may have been deleted, or it is not drawn yet.">
        <a class="button" href="/gallery">
          Go to the gallery
        </a>
      </Empty>
    );
  return <View job={job} spec={job.spec.kind.value} picture={picture} />;
}

interface ViewProps {
  job: Job;
  spec: GenerateSpec;
  picture: Picture;
}

function View({ job, spec, picture }: ViewProps) {
  const asking = useSignal(false);
  const comparing = useSignal(false);
  useAdapters();
  const adapter = adapterNamed(spec.adapter);
  const prompt = promptAt(spec, picture.index);
  const neighbours = job.pictures.map((one) => one.index);
  const at = neighbours.indexOf(picture.index);
  const to = (step: number) => `/gallery/${idOf(job.name)}/${neighbours[at + step]}`;
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.target !== document.body && !(event.target as Element).matches("h1, main")) return;
      if (event.key === "ArrowRight" && at + 1 < neighbours.length) navigate(to(1));
      if (event.key === "ArrowLeft" && at > 0) navigate(to(-1));
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [at, neighbours.length]);

  const use = () => {
    const before = { draft: draft.value, edited: edited.value };
    const settings = draftOf(spec, picture);
    const { draft: next, kept } = takeSettings(before.draft, before.edited, settings, false);
    draft.value = next;
    navigate("/gallery");
    if (kept.length)
      toast(`Settings taken. What you typed stays: ${kept.join(", ")}.`, {
        seconds: 12,
        action: {
          label: "Replace it too",
          run: () => (draft.value = takeSettings(draft.value, edited.value, settings, true).draft),
        },
      });
    else
      toast("Settings taken.", {
        seconds: 12,
        action: { label: "Undo", run: () => ((draft.value = before.draft), (edited.value = before.edited)) },
      });
  };
  const startHere = () => {
    edit("initPicture", picture.name);
    navigate("/gallery");
    toast("The next drawing starts from this picture.");
  };
  // A picture of few pixels is shown at most ten times as large.
  const ratio = {
    "--ratio": `${picture.width || 1} / ${picture.height || 1}`,
    "--most": `${Math.min(860, 10 * (picture.width || 86))}px`,
  };
  const file = `${slug(prompt)}_${picture.seed}.png`;
  return (
    <>
      <Head title={prompt} crumb={<a href="/gallery">Gallery</a>}>
        {at > 0 && (
          <a class="button" href={to(-1)}>
            Previous
          </a>
        )}
        {at + 1 < neighbours.length && (
          <a class="button" href={to(1)}>
            Next
          </a>
        )}
      </Head>
      <div class="two">
        <div class="stage" style={ratio}>
          {comparing.value && adapter ? (
            <Comparison
              job={job}
              spec={spec}
              picture={picture}
              word={adapter.initWord}
              placeholder={adapter.placeholder}
              base={spec.baseModel || adapter.baseModel}
              label={adapterTitle(adapter)}
            />
          ) : (
            <div class="shown" style={ratio}>
              <ZoomPicture picture={picture} alt={prompt} side={0} />
            </div>
          )}
        </div>
        <aside class="stack" aria-label="About the picture">
          <div class="stack tight">
            {adapter && (
              <button
                type="button"
                class="button main"
                aria-pressed={comparing.value}
                onClick={() => (comparing.value = !comparing.value)}
              >
                {comparing.value ? "Show the picture alone" : "Compare with the base model"}
              </button>
            )}
            <button type="button" class="button" onClick={use}>
              Use these settings
            </button>
            <button type="button" class="button" onClick={startHere}>
              Use as start picture
            </button>
            <a class="button" href={pictureUrl(picture.name, picture.blob)} download={file}>
              Download
            </a>
          </div>
          <div class="card stack">
            <Stars
              value={ratingOf(job, picture.index)}
              onChange={(stars) => void rate(job, picture, stars).catch(sayError)}
            />
            <Labels job={job} />
          </div>
          <div class="card">
            <dl class="facts">
              <dt>Adapter</dt>
              <dd>
                {adapter ? (
                  <a href={`/adapters/${idOf(adapter.name)}`}>{adapterTitle(adapter)}</a>
                ) : spec.adapter ? (
                  "deleted"
                ) : (
                  "none"
                )}
              </dd>
              <dt>Seed</dt>
              <dd>{String(picture.seed)}</dd>
              {settingsOf(spec)
                .filter(([term]) => !term.startsWith("Prompt"))
                .map(([term, text]) => (
                  <>
                    <dt>{term}</dt>
                    <dd>{text}</dd>
                  </>
                ))}
              <dt>Job</dt>
              <dd>
                <a href={`/jobs/${idOf(job.name)}`}>{idOf(job.name).slice(0, 8)}</a>
              </dd>
            </dl>
          </div>
          {isFinished(job) && (
            <button type="button" class="button danger quiet" onClick={() => (asking.value = true)}>
              Delete
            </button>
          )}
        </aside>
      </div>
      {asking.value && (
        <Confirm
          title={job.pictures.length > 1 ? `Delete ${job.pictures.length} pictures?` : "Delete this picture?"}
          text={
            job.pictures.length > 1
              ? "Pictures that were drawn together are deleted together."
              : "It cannot be brought back, but its seed draws it again."
          }
          action="Delete"
          onConfirm={async () => {
            try {
              await jobService.deleteJob({ name: job.name });
              removeJob(job.name);
              navigate("/gallery");
            } catch (error) {
              sayError(error);
            }
          }}
          onClose={() => (asking.value = false)}
        />
      )}
    </>
  );
}

const slug = (prompt: string): string =>
  prompt
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 60) || "picture";

function Labels({ job }: { job: Job }) {
  const text = useSignal("");
  const problem = useSignal("");
  const add = async (event: Event) => {
    event.preventDefault();
    const key = text.value.trim().replaceAll(" ", "-");
    if (!key) return;
    try {
      await setLabel(job, key, "");
      text.value = problem.value = "";
    } catch (thrown) {
      const error = toCallError(thrown);
      problem.value = error.violations[0]?.text ?? error.message;
    }
  };
  return (
    <form class="stack tight" onSubmit={add}>
      <Field label="Labels" id="label" problem={problem.value} hint="Of all pictures that were drawn together.">
        {(aria) => (
          <span class="row" style={{ flexWrap: "nowrap" }}>
            <input
              {...aria}
              maxLength={63}
              value={text.value}
              placeholder="favourite"
              onInput={(event) => (text.value = event.currentTarget.value)}
            />
            <button class="button">Add</button>
          </span>
        )}
      </Field>
      {tagsOf(job).length > 0 && (
        <ul class="plain row" aria-label="Labels">
          {tagsOf(job).map((tag) => (
            <li class="chip" key={tag}>
              {tag}
              <button
                type="button"
                aria-label={`Remove the label ${tag}`}
                onClick={() => void setLabel(job, tag, undefined).catch(sayError)}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
    </form>
  );
}

interface ComparisonProps extends ViewProps {
  word: string;
  placeholder: string;
  base: string;
  label: string;
}

/** The same prompt, seed and settings without the adapter; drawn the first time that someone asks for it. */
function Comparison({ job, spec, picture, word, placeholder, base, label }: ComparisonProps) {
  const mark = `${idOf(job.name)}.${picture.index}`;
  const twin = [...jobs.value.values()].find(
    (one) => one.labels[twinKey] === mark && one.state !== JobState.FAILED && one.state !== JobState.CANCELLED,
  );
  const asked = useSignal(false);
  const failure = useSignal("");
  useEffect(() => {
    if (twin || asked.value) return;
    asked.value = true;
    void drawTwin(spec, picture, withClassWord(promptAt(spec, picture.index), placeholder, word), base, mark).catch(
      (thrown) => {
        failure.value = missingPicture(toCallError(thrown), spec)
          ? "The picture that this drawing starts from is deleted, so there is nothing to compare with."
          : sayError(thrown);
      },
    );
  }, []);
  if (failure.value) return <p class="note bad">{failure.value}</p>;
  const other = twin?.pictures[0];
  if (!other)
    return (
      <div class="shown">
        <div class="picture waiting skeleton" />
        <p class="muted" style={{ marginTop: "12px" }} role="status">
          The base model draws the same prompt and seed…
        </p>
      </div>
    );
  return <Compare first={other} firstLabel="Base model" second={picture} secondLabel={label} />;
}

async function drawTwin(
  spec: GenerateSpec,
  picture: Picture,
  prompt: string,
  baseModel: string,
  mark: string,
): Promise<void> {
  const generate = create(GenerateSpecSchema, {
    ...spec,
    adapter: "",
    baseModel,
    prompt,
    prompts: [],
    strength: undefined,
    pictureCount: 1,
    seeds: [picture.seed],
    previewEverySteps: 0,
  });
  const labels = { [twinKey]: mark };
  putJob(await jobService.createGenerationJob({ requestId: requestId(), generate, labels }));
}
