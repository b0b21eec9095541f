// Drawing, and what was drawn: a row for each prompt, its pictures by seed.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { jobService, requestId } from "../api/clients";
import { toCallError, type Violation } from "../api/errors";
import { type GenerateSpec, type Job, JobKind, JobState } from "../gen/vico/v1/job_pb";
import { Empty, Field, Head } from "../parts/elements";
import { Thumb } from "../parts/picture";
import { query } from "../router";
import { adapterNamed, baseModelNamed, limitOf, useAdapters, useModels } from "../state/catalog";
import { type Draft, draft, edit, edited, promptsOf, readDraft } from "../state/draft";
import { connection, initialJobs, isFinished, jobs, loadOlder, newestFirst, onEvent, putJob } from "../state/jobs";
import { isTwin, ratingOf, tagsOf } from "../state/labels";
import { sayError } from "../state/toasts";
import { idOf, number, plural } from "../text";
import { titleOf } from "./concepts";
import { Forming } from "./job";
import type { Event_Preview } from "../gen/vico/v1/job_pb";

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
      <div class="two left">
        <div class="sticky">{models && <DrawForm schedulers={models.capabilities.schedulers} />}</div>
        <Pictures />
      </div>
    </>
  );
}

function DrawForm({ schedulers }: { schedulers: string[] }) {
  const adapters = useAdapters().value.value ?? [];
  const models = useModels().value.value!.baseModels;
  const violations = useSignal<Violation[]>([]);
  const busy = useSignal(false);
  const form = draft.value;
  const adapter = adapterNamed(form.adapter);
  const base = baseModelNamed(adapter?.baseModel || form.baseModel) ?? models[0];
  const defaults = base?.generationDefaults;
  const count = promptsOf(form.prompts).length;
  const problemOf = (field: string) =>
    violations.value.find((one) => one.field === `generate.${field}` || one.field.startsWith(`generate.${field}[`))
      ?.text;
  const known = [
    "adapter",
    "base_model",
    "prompt",
    "negative_prompt",
    "picture_count",
    "seeds",
    "steps",
    "guidance_scale",
    "scheduler",
    "width",
    "height",
  ];
  const elsewhere = violations.value.filter(
    (one) => !known.includes(one.field.replace(/^generate\./, "").replace(/\[.*$/, "")),
  );

  const submit = async (event: Event) => {
    event.preventDefault();
    const { specs, problems, seed } = readDraft(form);
    violations.value = problems;
    if (problems.length) return focusProblem();
    busy.value = true;
    for (const [index, spec] of specs.entries()) {
      if (!spec.adapter && !spec.baseModel) spec.baseModel = base?.name ?? "";
      // Previews about four times on the way.
      spec.previewEverySteps = Math.max(1, Math.round((spec.steps ?? defaults?.steps ?? 25) / 5));
      try {
        putJob(await jobService.createGenerationJob({ requestId: requestId(), generate: spec }));
      } catch (thrown) {
        const error = toCallError(thrown);
        const line = specs.length > 1 ? `line ${index + 1}: ` : "";
        violations.value = error.violations.map((one) =>
          one.field === "generate.prompt" ? { ...one, text: line + one.text } : one,
        );
        if (!error.violations.length) sayError(error);
        else focusProblem();
        break;
      }
    }
    busy.value = false;
    edited.value = new Set();
    draft.value = { ...draft.value, seed: form.seedLocked ? String(seed) : "" };
  };
  const text = (field: { [Name in keyof Draft]: Draft[Name] extends string ? Name : never }[keyof Draft]) => ({
    value: form[field],
    onInput: (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) =>
      edit(field, event.currentTarget.value),
  });
  const range = (field: string) => {
    const limit = limitOf(`generate.${field}`);
    return limit && `${number(limit.min)} to ${number(limit.max)}`;
  };
  const sizes = base && `${base.minSide} to ${base.maxSide}, multiples of ${base.sizeMultiple}`;
  return (
    <form class="card stack" onSubmit={submit} noValidate aria-label="Draw">
      <Field label="Adapter" id="adapter" problem={problemOf("adapter") ?? problemOf("base_model")}>
        {(aria) => (
          <select {...aria} value={form.adapter} onChange={(event) => edit("adapter", event.currentTarget.value)}>
            <option value="">None: the base model alone</option>
            {adapters.map((one) => (
              <option key={one.name} value={one.name}>
                {adapterTitle(one)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field
        label="Prompts"
        id="prompts"
        problem={problemOf("prompt")}
        hint={adapter ? `One a line. ${adapter.placeholder} stands for your ${adapter.initWord}.` : "One a line."}
      >
        {(aria) => (
          <textarea
            {...aria}
            {...text("prompts")}
            rows={4}
            placeholder={`a photo of a ${adapter?.placeholder ?? "robot"} on the beach`}
          />
        )}
      </Field>
      <div class="row" style={{ alignItems: "flex-start", flexWrap: "nowrap" }}>
        <Field label="Pictures" id="picture_count" problem={problemOf("picture_count")} hint={range("picture_count")}>
          {(aria) => <input {...aria} {...text("pictureCount")} inputMode="numeric" style={{ maxWidth: "96px" }} />}
        </Field>
        <Field
          label="Seed"
          id="seed"
          problem={problemOf("seeds")}
          hint={form.seedLocked ? "Stays for the next drawing." : "Empty: a new one each time."}
        >
          {(aria) => (
            <span class="row" style={{ flexWrap: "nowrap", gap: "6px" }}>
              <input {...aria} {...text("seed")} inputMode="numeric" placeholder="random" />
              <button
                type="button"
                class="button icon"
                aria-pressed={form.seedLocked}
                aria-label="Keep the seed"
                title="Keep the seed"
                onClick={() => edit("seedLocked", !form.seedLocked)}
              >
                <Lock closed={form.seedLocked} />
              </button>
            </span>
          )}
        </Field>
      </div>
      <details class="more">
        <summary>More settings</summary>
        <div class="stack">
          {!form.adapter && models.length > 1 && (
            <Field label="Base model" id="base_model">
              {(aria) => (
                <select {...aria} value={base?.name} onChange={(event) => edit("baseModel", event.currentTarget.value)}>
                  {models.map((one) => (
                    <option key={one.name} value={one.name}>
                      {one.displayName || idOf(one.name)}
                    </option>
                  ))}
                </select>
              )}
            </Field>
          )}
          <Field label="Not in the picture" id="negative_prompt" problem={problemOf("negative_prompt")}>
            {(aria) => <input {...aria} {...text("negativePrompt")} />}
          </Field>
          <div class="fields" style={{ gridTemplateColumns: "1fr 1fr" }}>
            <Field label="Steps" id="steps" problem={problemOf("steps")} hint={range("steps")}>
              {(aria) => (
                <input
                  {...aria}
                  {...text("steps")}
                  inputMode="numeric"
                  placeholder={String(defaults?.steps ?? "default")}
                />
              )}
            </Field>
            <Field
              label="Guidance"
              id="guidance_scale"
              problem={problemOf("guidance_scale")}
              hint={range("guidance_scale")}
            >
              {(aria) => (
                <input
                  {...aria}
                  {...text("guidanceScale")}
                  inputMode="decimal"
                  placeholder={String(defaults?.guidanceScale ?? "default")}
                />
              )}
            </Field>
            <Field label="Width" id="width" problem={problemOf("width")} hint={sizes}>
              {(aria) => (
                <input
                  {...aria}
                  {...text("width")}
                  inputMode="numeric"
                  placeholder={String(defaults?.width ?? "default")}
                />
              )}
            </Field>
            <Field label="Height" id="height" problem={problemOf("height")}>
              {(aria) => (
                <input
                  {...aria}
                  {...text("height")}
                  inputMode="numeric"
                  placeholder={String(defaults?.height ?? "default")}
                />
              )}
            </Field>
          </div>
          <Field label="Scheduler" id="scheduler" problem={problemOf("scheduler")}>
            {(aria) => (
              <select
                {...aria}
                value={form.scheduler}
                onChange={(event) => edit("scheduler", event.currentTarget.value)}
              >
                <option value="">default{defaults?.scheduler ? ` (${defaults.scheduler})` : ""}</option>
                {schedulers.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </select>
            )}
          </Field>
        </div>
      </details>
      {elsewhere.map((one) => (
        <p class="note bad" role="alert" key={one.field}>
          {one.field}: {one.text}
        </p>
      ))}
      <button class="button main" disabled={busy.value}>
        {busy.value ? "Queuing…" : count > 1 ? `Draw ${count} prompts` : "Draw"}
      </button>
    </form>
  );
}

const focusProblem = () => {
  requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
};

function Lock({ closed }: { closed: boolean }) {
  return (
    <svg
      width="17"
      height="17"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2.2"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <rect x="5" y="11" width="14" height="10" rx="2.5" fill={closed ? "currentColor" : "none"} />
      <path d={closed ? "M8 11V8a4 4 0 0 1 8 0v3" : "M8 11V8a4 4 0 0 1 7.4-2"} />
    </svg>
  );
}

export const adapterTitle = (adapter: { displayName: string; name: string; initWord: string }): string =>
  adapter.displayName || `${adapter.initWord} ${titleOf(adapter)}`;

interface Row {
  key: string;
  prompt: string;
  adapter: string;
  jobs: Job[];
}

/** Jobs with the same prompt and adapter are one row. The newest row is the first. */
export function rowsOf(all: Job[]): Row[] {
  const rows = new Map<string, Row>();
  for (const job of all) {
    if (job.spec?.kind.case !== "generate") continue;
    const spec: GenerateSpec = job.spec.kind.value;
    const key = `${spec.adapter}\n${spec.prompt}`;
    const row = rows.get(key) ?? { key, prompt: spec.prompt, adapter: spec.adapter, jobs: [] };
    row.jobs.push(job);
    rows.set(key, row);
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
  const tiles = row.jobs.flatMap((job) => {
    const spec = job.spec?.kind.value as GenerateSpec;
    const count = isFinished(job) ? job.pictures.length : Math.max(spec.pictureCount ?? 1, job.pictures.length);
    return Array.from({ length: count }, (_, index) => {
      const picture = job.pictures.find((one) => one.index === index);
      // While a picture forms its seed is known if one was asked for.
      const seed = picture?.seed ?? spec.seeds[index] ?? (spec.seeds[0] ?? 0n) + BigInt(index);
      return { job, index, picture, seed };
    });
  });
  const shown = tiles.filter(({ job, index }) => ratingOf(job, index) >= stars);
  // By seed, so that the columns of rows with the same seeds show the same noise.
  shown.sort((a, b) => (a.seed < b.seed ? -1 : a.seed > b.seed ? 1 : 0));
  const failed = row.jobs.filter((job) => job.state === JobState.FAILED);
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
