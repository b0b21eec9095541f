// Drawing, and what was drawn: a row for each prompt, its pictures by seed.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import {
  type Event_Preview,
  type GenerateSpec,
  type Job,
  JobKind,
  JobState,
  type Picture,
} from "../gen/vico/v1/job_pb";
import { Empty, Head } from "../parts/elements";
import { NoWorker } from "../parts/no_worker";
import { Thumb } from "../parts/picture";
import { StartHere } from "../parts/start_here";
import { MaskDialog } from "../parts/start_picture";
import { query } from "../router";
import { adapterNamed, useAdapters, useModels } from "../state/catalog";
import { draft, edit, edited } from "../state/draft";
import { connection, initialJobs, isFinished, jobs, loadOlder, newestFirst, onEvent } from "../state/jobs";
import { isTwin, ratingOf, tagsOf } from "../state/labels";
import { countOf, promptAt, promptsOf, seedAt } from "../state/prompts";
import { sayError } from "../state/toasts";
import { adapterTitle, idOf, plural } from "../text";
import { DrawForm } from "./draw_form";
import { Forming } from "./job_generation";

export function GalleryPage() {
  const models = useModels().value.value;
  const adapters = useAdapters().value.value;
  useEffect(() => {
    const wanted = query.value.get("adapter");
    if (wanted) {
      edit("adapter", `adapters/${wanted}`);
    } else if (!draft.value.adapter && !edited.value.has("adapter") && adapters?.length) {
      draft.value = { ...draft.value, adapter: adapters[0].name };
    }
  }, [adapters]);
  return (
    <>
      <Head
        title="Gallery"
        lead="Describe a scene. Each line is a prompt; all prompts are drawn with the same seeds."
      />
      <NoWorker />
      <div class="two left">
        <div class="sticky">{models && <DrawForm />}</div>
        <Pictures />
      </div>
      <MaskDialog />
    </>
  );
}

interface Row {
  key: string;
  prompt: string;
  adapter: string;
  tiles: Tile[];
  failed: Job[];
}

interface Tile {
  job: Job;
  index: number;
  picture?: Picture; // not while it forms
  seed: bigint;
}

/** The pictures of a job, and those that it will have. */
function tilesOf(job: Job, spec: GenerateSpec): Tile[] {
  const indexes = isFinished(job)
    ? job.pictures.map((picture) => picture.index)
    : Array.from({ length: countOf(spec) * promptsOf(spec).length }, (_, index) => index);
  return indexes.map((index) => {
    const picture = job.pictures.find((one) => one.index === index);
    return { job, index, picture, seed: picture?.seed ?? seedAt(spec, index) };
  });
}

/** Pictures with the same prompt and adapter are one row. The newest row is the first. */
export function rowsOf(all: Job[]): Row[] {
  const rows = new Map<string, Row>();
  for (const job of all) {
    if (job.spec?.kind.case !== "generate") continue;
    const spec: GenerateSpec = job.spec.kind.value;
    const tiles = tilesOf(job, spec);
    for (const prompt of new Set(promptsOf(spec))) {
      const key = `${spec.adapter}\n${prompt}`;
      const row = rows.get(key) ?? { key, prompt, adapter: spec.adapter, tiles: [], failed: [] };
      row.tiles.push(...tiles.filter(({ index }) => promptAt(spec, index) === prompt));
      if (job.state === JobState.FAILED) row.failed.push(job);
      rows.set(key, row);
    }
  }
  return [...rows.values()];
}

function Pictures() {
  const adapter = useSignal(query.value.get("adapter") ? `adapters/${query.value.get("adapter")}` : "");
  const stars = useSignal(0);
  const tag = useSignal("");
  const more = useSignal(jobs.peek().size >= initialJobs);
  const previews = useSignal<ReadonlyMap<string, Event_Preview>>(new Map());
  useEffect(
    () =>
      onEvent((job, event) => {
        if (event.what.case === "preview")
          previews.value = new Map(previews.value).set(`${job}/${event.what.value.pictureIndex}`, event.what.value);
      }),
    [],
  );
  const drawn = newestFirst(jobs.value.values()).filter((job) => job.kind === JobKind.GENERATION && !isTwin(job));
  const tags = [...new Set(drawn.flatMap(tagsOf))].sort();
  const fits = (job: Job) =>
    (!adapter.value || (job.spec?.kind.case === "generate" && job.spec.kind.value.adapter === adapter.value)) &&
    (!tag.value || tagsOf(job).includes(tag.value));
  const rows = rowsOf(drawn.filter(fits));
  const adapters = useAdapters().value.value ?? [];
  return (
    <section aria-label="What was drawn">
      {drawn.length > 0 && (
        <div class="row" style={{ marginBottom: "20px" }} role="group" aria-label="Filter">
          <select
            aria-label="Adapter of the pictures"
            style={{ width: "auto" }}
            value={adapter.value}
            onChange={(event) => (adapter.value = event.currentTarget.value)}
          >
            <option value="">All adapters</option>
            {adapters.map((one) => (
              <option key={one.name} value={one.name}>
                {adapterTitle(one)}
              </option>
            ))}
          </select>
          <select
            aria-label="Rating of the pictures"
            style={{ width: "auto" }}
            value={String(stars.value)}
            onChange={(event) => (stars.value = Number(event.currentTarget.value))}
          >
            <option value="0">Any rating</option>
            {[1, 2, 3, 4, 5].map((one) => (
              <option key={one} value={String(one)}>
                {"★".repeat(one)}
                {one < 5 ? " and more" : ""}
              </option>
            ))}
          </select>
          {tags.length > 0 && (
            <select
              aria-label="Label of the pictures"
              style={{ width: "auto" }}
              value={tag.value}
              onChange={(event) => (tag.value = event.currentTarget.value)}
            >
              <option value="">Any label</option>
              {tags.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          )}
        </div>
      )}
      {rows.map((row) => (
        <PromptRow key={row.key} row={row} stars={stars.value} previews={previews.value} />
      ))}
      {rows.length > 0 && more.value && (
        <button
          type="button"
          class="button"
          onClick={async () => {
            try {
              more.value = await loadOlder(JobKind.GENERATION);
            } catch (error) {
              sayError(error);
            }
          }}
        >
          Show older
        </button>
      )}
      {rows.length === 0 && connection.value !== "connecting" && (
        <Empty title="Nothing drawn yet" text="Write a prompt and draw. Pictures appear here while they form." />
      )}
    </section>
  );
}

interface PromptRowProps {
  row: Row;
  stars: number;
  previews: ReadonlyMap<string, Event_Preview>;
}

function PromptRow({ row, stars, previews }: PromptRowProps) {
  const adapter = adapterNamed(row.adapter);
  const { failed } = row;
  const shown = row.tiles.filter(({ job, index }) => ratingOf(job, index) >= stars);
  // By seed, so that the columns of rows with the same seeds show the same noise.
  shown.sort((a, b) => (a.seed < b.seed ? -1 : a.seed > b.seed ? 1 : 0));
  if (!shown.length && !failed.length) return null;
  return (
    <div class="prompt-row">
      <div class="row spread">
        <h2>{row.prompt}</h2>
        <span class="chip">
          {row.adapter ? (adapter ? adapterTitle(adapter) : "deleted adapter") : "base model alone"}
        </span>
      </div>
      {failed.map((job) => (
        <p class="note bad" key={job.name}>
          {job.error?.message}
        </p>
      ))}
      <ul class="plain tiles">
        {shown.map(({ job, index, picture, seed }) => (
          <li class="tile" key={`${job.name}/${index}`}>
            {picture ? (
              <a
                class="picture"
                href={`/gallery/${idOf(job.name)}/${index}`}
                aria-label={`${row.prompt}, seed ${seed}`}
              >
                <Thumb picture={picture} alt="" />
              </a>
            ) : (
              <Forming preview={previews.get(`${job.name}/${index}`)} done={false} />
            )}
            <div class="caption">
              <span>{picture ? `seed ${seed}` : job.state === JobState.QUEUED ? waiting(job) : "forming…"}</span>
              {ratingOf(job, index) > 0 && (
                <span aria-label={plural(ratingOf(job, index), "star")} role="img">
                  {"★".repeat(ratingOf(job, index))}
                </span>
              )}
              {picture && <StartHere name={picture.name} what={`${row.prompt}, seed ${seed}`} />}
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}

function waiting(job: Job): string {
  if (job.baseModelUnavailable) return "no worker yet";
  return job.queuePosition ? `${job.queuePosition} before it` : "next";
}
