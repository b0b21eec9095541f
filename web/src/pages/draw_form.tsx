// The form of a drawing. Each line of its prompts is a prompt, and all of them are one job.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { jobService, requestId } from "../api/clients";
import { toCallError, type Violation } from "../api/errors";
import type { BaseModel } from "../gen/vico/v1/model_pb";
import { Field } from "../parts/elements";
import { Slider } from "../parts/slider";
import { StartPicture } from "../parts/start_picture";
import { adapterNamed, baseModelsFor, limitOf, useAdapters, useModels } from "../state/catalog";
import { type Draft, draft, edit, edited, isSuggested, linesOf, readDraft, suggestPrompt } from "../state/draft";
import { maskOf, uploadedMask } from "../state/mask";
import { putJob } from "../state/jobs";
import { sayError } from "../state/toasts";
import { expiredPicture, missingPicture } from "../state/uploads";
import { adapterTitle, idOf, number } from "../text";

/** Fields that say their own problems. */
const known = new Set([
  "adapter",
  "base_model",
  "prompt",
  "prompts",
  "negative_prompt",
  "picture_count",
  "seeds",
  "steps",
  "guidance_scale",
  "scheduler",
  "width",
  "height",
  "strength",
  "init_picture",
  "denoise",
  "mask_picture",
  "display_name",
]);

const fieldOf = (violation: Violation): string => violation.field.replace(/^generate\./, "").replace(/\[.*$/, "");

/** The problem of a field; of one of several prompts with its line. */
function problemIn(violations: Violation[], field: string): string | undefined {
  const found = violations.find((one) => fieldOf(one) === field);
  const line = /\[(\d+)\]/.exec(found?.field ?? "")?.[1];
  return found && line !== undefined && field === "prompts" ? `line ${Number(line) + 1}: ${found.text}` : found?.text;
}

export function DrawForm() {
  const all = useAdapters().value.value;
  const adapters = all ?? [];
  const { baseModels, capabilities } = useModels().value.value!;
  const violations = useSignal<Violation[]>([]);
  const busy = useSignal(false);
  const form = draft.value;
  const adapter = adapterNamed(form.adapter);
  const fitting: BaseModel[] = adapter ? baseModelsFor(adapter) : baseModels;
  const base = fitting.find((one) => one.name === form.baseModel) ?? fitting[0] ?? baseModels[0];
  const defaults = base?.generationDefaults;
  const count = linesOf(form.prompts).length;
  useEffect(() => {
    if (document.activeElement?.id !== "prompts") suggestPrompt(adapter?.placeholder);
  }, [adapter?.placeholder]);
  // Another start picture is not the one that was wrong.
  useEffect(() => {
    violations.value = violations.value.filter((one) => fieldOf(one) !== "init_picture");
  }, [form.initPicture]);
  const problemOf = (field: string) => problemIn(violations.value, field);
  const elsewhere = violations.value.filter((one) => !known.has(fieldOf(one)));

  const submit = async (event: Event) => {
    event.preventDefault();
    const { spec, problems, seed } = readDraft(form);
    const expired = expiredPicture(form.initPicture);
    if (expired) problems.push(expired);
    violations.value = problems;
    if (problems.length) return focusProblem();
    // The adapter's own is the server's default.
    spec.baseModel = adapter && base?.name === adapter.baseModel ? "" : (base?.name ?? "");
    // Previews about four times on the way.
    spec.previewEverySteps = Math.max(1, Math.round((spec.steps ?? defaults?.steps ?? 25) / 5));
    busy.value = true;
    try {
      const mask = spec.initPicture && maskOf(spec.initPicture);
      if (mask) spec.maskPicture = await uploadedMask(mask);
      const request = { requestId: requestId(), generate: spec, displayName: form.displayName.trim() };
      putJob(await jobService.createGenerationJob(request));
      edited.value = new Set();
      draft.value = { ...draft.value, displayName: "", seed: form.seedLocked ? String(seed) : "" };
    } catch (thrown) {
      const error = toCallError(thrown);
      const missing = missingPicture(error, spec);
      violations.value = missing ? [missing] : error.violations;
      if (!violations.value.length) sayError(error);
      else focusProblem();
    }
    busy.value = false;
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
      <Field
        label="Adapter"
        id="adapter"
        problem={problemOf("adapter")}
        hint={
          all && !all.length ? (
            <>
              To draw your own thing, <a href="/train">train a concept</a> first.
            </>
          ) : undefined
        }
      >
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
        problem={problemOf("prompt") ?? problemOf("prompts")}
        hint={adapter ? `One a line. ${adapter.placeholder} stands for your ${adapter.initWord}.` : "One a line."}
      >
        {(aria) => (
          <textarea
            {...aria}
            {...text("prompts")}
            rows={4}
            placeholder="a photo of …"
            // What is typed replaces the suggestion.
            onFocus={(event) => isSuggested.value && event.currentTarget.select()}
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
      {adapter && (
        <Slider
          label="Strength of the adapter"
          id="strength"
          value={form.strength}
          preset={defaults?.strength ?? 1}
          limit={limitOf("generate.strength") ?? { min: 0, max: 2 }}
          step={0.05}
          hint="1 as trained; with 0 only the learned word acts."
          problem={problemOf("strength")}
          onInput={(value) => edit("strength", value)}
        />
      )}
      <StartPicture problemOf={problemOf} />
      <details class="more">
        <summary>More settings</summary>
        <div class="stack">
          {fitting.length > 1 && (
            <Field
              label="Base model"
              id="base_model"
              problem={problemOf("base_model")}
              hint={
                adapter && base?.name !== adapter.baseModel ? "Not the one that the adapter was trained on." : undefined
              }
            >
              {(aria) => (
                <select {...aria} value={base?.name} onChange={(event) => edit("baseModel", event.currentTarget.value)}>
                  {fitting.map((one) => (
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
                {capabilities.schedulers.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </select>
            )}
          </Field>
          <Field
            label="Name"
            id="display_name"
            problem={problemOf("display_name")}
            hint="Of the job, for people. Empty: its prompt."
          >
            {(aria) => <input {...aria} {...text("displayName")} maxLength={255} />}
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
