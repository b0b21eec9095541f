// The form of a training. Its limits come from GetCapabilities, its defaults from the base model; what is typed is
// checked by the server, without a job, and all that is wrong is said at its field.
import { create } from "@bufbuild/protobuf";
import { type Signal, useSignal } from "@preact/signals";
import { jobService, modelService, requestId } from "../api/clients";
import { toCallError, type Violation } from "../api/errors";
import {
  BlockStart,
  Determinism,
  Dialect,
  LearningRateSchedule,
  Resize,
  type TrainSpec,
  TrainSpecSchema,
} from "../gen/vico/v1/job_pb";
import type { BaseModel } from "../gen/vico/v1/model_pb";
import type { CheckWordResponse } from "../gen/vico/v1/model_pb";
import { useDebounced } from "../parts/debounce";
import { Await, Empty, ErrorNote, Field, Head } from "../parts/elements";
import { NoWorker } from "../parts/no_worker";
import { readNumber, readSeed } from "../parts/numbers";
import { Thumb } from "../parts/picture";
import { navigate, query } from "../router";
import { limitOf, useConcepts, useModels } from "../state/catalog";
import { putJob } from "../state/jobs";
import { idOf, number, plural, titleOf } from "../text";
import type { CallError } from "../api/errors";

interface NumberField {
  name:
    | "steps"
    | "batchSize"
    | "embeddingLearningRate"
    | "attentionLearningRate"
    | "regularizerWeight"
    | "sampleEverySteps"
    | "minSnrGamma"
    | "devices";
  field: string; // as in the API
  label: string;
  hint?: string;
  whole?: boolean;
}

const main: NumberField[] = [
  { name: "steps", field: "steps", label: "Steps", whole: true },
  {
    name: "sampleEverySteps",
    field: "sample_every_steps",
    label: "Steps between samples",
    hint: "a sample is a picture drawn on the way; 0: none",
    whole: true,
  },
];
const advanced: NumberField[] = [
  { name: "batchSize", field: "batch_size", label: "Rows of a step", whole: true },
  { name: "embeddingLearningRate", field: "embedding_learning_rate", label: "Learning rate of the word" },
  { name: "attentionLearningRate", field: "attention_learning_rate", label: "Learning rate of the attention" },
  { name: "regularizerWeight", field: "regularizer_weight", label: "Weight of the regularizer" },
  { name: "minSnrGamma", field: "min_snr_gamma", label: "Min-SNR gamma", hint: "0: all timesteps weigh the same" },
  {
    name: "devices",
    field: "devices",
    label: "Devices",
    hint: "of one worker; at most the rows of a step",
    whole: true,
  },
];

interface Choice {
  name: "dialect" | "blockStart" | "learningRateSchedule" | "resize" | "determinism";
  field: string;
  label: string;
  options: [number, string][];
}

const choices: Choice[] = [
  {
    name: "resize",
    field: "resize",
    label: "Pictures that are not square",
    options: [
      [Resize.SQUEEZE, "squeeze"],
      [Resize.CROP, "keep the centre"],
      [Resize.PAD, "white borders"],
    ],
  },
  {
    name: "learningRateSchedule",
    field: "learning_rate_schedule",
    label: "Learning rate over time",
    options: [
      [LearningRateSchedule.CONSTANT, "constant"],
      [LearningRateSchedule.COSINE, "falls along a cosine"],
    ],
  },
  {
    name: "blockStart",
    field: "block_start",
    label: "Attention starts with",
    options: [
      [BlockStart.RANDOM, "random weights"],
      [BlockStart.ZERO, "zero projections"],
      [BlockStart.SELF_ATTENTION, "the base's self-attention"],
    ],
  },
  {
    name: "dialect",
    field: "dialect",
    label: "Variant of ViCo",
    options: [
      [Dialect.PAPER, "paper"],
      [Dialect.MMAGIC, "mmagic"],
    ],
  },
  {
    name: "determinism",
    field: "determinism",
    label: "Batches",
    options: [
      [Determinism.BEST_EFFORT, "may be shared with other jobs"],
      [Determinism.SOLO, "alone, repeatable to the last bit"],
    ],
  },
];

type Form = Record<string, string>;

export function TrainPage() {
  const models = useModels();
  const concepts = useConcepts();
  return (
    <Await of={models.value}>
      {({ baseModels }) => (
        <Await of={concepts.value}>
          {(all) =>
            all.length && baseModels.length ? (
              <TrainForm baseModels={baseModels} />
            ) : (
              <>
                <Head title="Train" />
                <NoWorker />
                {all.length ? (
                  <Empty
                    title="No base model yet"
                    text="A training starts from a base model, which a worker brings. The form appears here when one is connected."
                  />
                ) : (
                  <Empty title="No concept yet" text="A training learns from a concept: upload its pictures first.">
                    <a class="button main" href="/concepts/new">
                      New concept
                    </a>
                  </Empty>
                )}
              </>
            )
          }
        </Await>
      )}
    </Await>
  );
}

/** What a concept of this name may be: of "Red robot 2" it is "robot". Empty if the name has no word. */
export const guessWord = (name: string): string => /\p{L}{2,}(?=\P{L}*$)/u.exec(name)?.[0].toLowerCase() ?? "";

/** The spec that the form says, and what is wrong before the server is asked. */
export function readForm(form: Form): { spec: TrainSpec; problems: Violation[] } {
  const problems: Violation[] = [];
  const spec = create(TrainSpecSchema, {
    conceptName: form.concept,
    baseModel: form.base_model,
    initWord: form.init_word?.trim() ?? "",
    placeholder: form.placeholder?.trim() ?? "",
  });
  for (const { name, field, whole } of [...main, ...advanced]) {
    const { value, problem } = readNumber(form[field] ?? "", whole ?? false);
    if (problem) problems.push({ field: `train.${field}`, text: problem });
    if (value !== undefined) spec[name] = value;
  }
  for (const { name, field } of choices) if (form[field]) (spec as Record<string, unknown>)[name] = Number(form[field]);
  const seed = readSeed(form.seed ?? "");
  if (seed.problem) problems.push({ field: "train.seed", text: seed.problem });
  if (seed.value !== undefined) spec.seed = seed.value;
  const prompts = (form.sample_prompts ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  if (prompts.length === 1) spec.samplePrompt = prompts[0];
  if (prompts.length > 1) spec.samplePrompts = prompts;
  if (form.sample_first) spec.sampleFirst = true;
  if (form.mask) spec.mask = form.mask === "on";
  if (form.evaluate) spec.evaluate = form.evaluate === "on";
  return { spec, problems };
}

function TrainForm({ baseModels }: { baseModels: BaseModel[] }) {
  const concepts = useConcepts().value.value ?? [];
  const wanted = query.value.get("concept");
  const form = useSignal<Form>({
    concept: wanted ? `concepts/${wanted}` : concepts[0].name,
    base_model: (baseModels.find((model) => model.available) ?? baseModels[0]).name,
  });
  const violations = useSignal<Violation[]>([]);
  const failure = useSignal<CallError | null>(null);
  const word = useSignal<CheckWordResponse | null>(null);
  const busy = useSignal(false);
  const touched = useSignal(false);

  const set = (field: string, value: string) => (form.value = { ...form.value, [field]: value });
  const concept = concepts.find((one) => one.name === form.value.concept) ?? concepts[0];
  const base = baseModels.find((model) => model.name === form.value.base_model) ?? baseModels[0];
  const defaults = base.trainingDefaults;
  const { spec, problems } = readForm(form.value);
  const displayName = (form.value.display_name ?? "").trim();

  useDebounced(`${base.name} ${spec.initWord}`, 250, async (signal) => {
    word.value = null;
    if (!spec.initWord) return;
    word.value = await modelService.checkWord({ baseModel: base.name, word: spec.initWord }, { signal });
  });
  // Of "Red robot" the last word: a guess that the field shows.
  const guess = guessWord(concept.displayName);
  const guessed = useSignal("");
  useDebounced(`${base.name} ${concept.name} ${guess}`, 0, async (signal) => {
    // Somebody who is at the field or has filled it knows better.
    const isOwn = () => document.activeElement?.id === "init_word" || (form.peek().init_word ?? "") !== guessed.peek();
    if (isOwn()) return;
    const can = guess && (await modelService.checkWord({ baseModel: base.name, word: guess }, { signal })).oneToken;
    if (isOwn()) return;
    guessed.value = can ? guess : "";
    set("init_word", guessed.value);
  });
  const check = async (signal?: AbortSignal) => {
    try {
      const request = { train: spec, displayName, validateOnly: true, requestId: requestId() };
      await jobService.createTrainingJob(request, { signal });
      violations.value = [];
      failure.value = null;
    } catch (thrown) {
      if (signal?.aborted) return;
      const error = toCallError(thrown);
      violations.value = error.violations;
      failure.value = error.violations.length ? null : error;
    }
  };
  useDebounced(JSON.stringify(form.value), 350, async (signal) => {
    if (touched.value) await check(signal);
  });
  // A field that has not been filled in is not wrong before the form is sent.
  const sent = useSignal(false);
  const problemOf = (field: string): string | undefined => {
    const path = field === "display_name" ? field : `train.${field}`;
    const own = problems.find((one) => one.field === path);
    const other = violations.value.find((one) => one.field === path || one.field.startsWith(`${path}[`));
    const found = own ?? other;
    if (!found || (!sent.value && !form.value[field] && field === "init_word")) return undefined;
    return found.text;
  };
  const known = new Set([...main, ...advanced, ...choices].map((one) => one.field));
  for (const field of [
    "init_word",
    "placeholder",
    "seed",
    "sample_prompt",
    "sample_prompts",
    "concept_name",
    "base_model",
    "mask",
    "sample_first",
    "evaluate",
    "display_name",
  ])
    known.add(field);
  const elsewhere = violations.value.filter(
    (one) => !known.has(one.field.replace(/^train\./, "").replace(/\[.*$/, "")),
  );

  const submit = async (event: Event) => {
    event.preventDefault();
    sent.value = true;
    touched.value = true;
    if (problems.length) return;
    busy.value = true;
    try {
      const job = await jobService.createTrainingJob({ requestId: requestId(), train: spec, displayName });
      putJob(job);
      navigate(`/jobs/${idOf(job.name)}`);
    } catch (thrown) {
      const error = toCallError(thrown);
      violations.value = error.violations;
      failure.value = error.violations.length ? null : error;
      requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
    }
    busy.value = false;
  };
  const text = (field: string) => ({
    value: form.value[field] ?? "",
    onInput: (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) => {
      touched.value = true;
      set(field, event.currentTarget.value);
    },
  });
  const numberInput = ({ name, field, label, hint, whole }: NumberField) => {
    const limit = limitOf(`train.${field}`);
    const preset = defaults?.[name];
    const range = limit && `${number(limit.min)} to ${number(limit.max)}`;
    return (
      <Field
        key={field}
        id={field}
        label={label}
        hint={[range, hint].filter(Boolean).join("; ")}
        problem={problemOf(field)}
      >
        {(aria) => (
          <input
            {...aria}
            {...text(field)}
            inputMode={whole ? "numeric" : "decimal"}
            placeholder={preset === undefined ? "default" : number(preset, 6)}
          />
        )}
      </Field>
    );
  };
  const wordGood =
    word.value?.oneToken && !problemOf("init_word")
      ? `“${spec.initWord}” can be used: the base model knows it.`
      : undefined;

  return (
    <form onSubmit={submit} noValidate>
      <Head
        title="Train"
        crumb={<a href="/">Concepts</a>}
        lead="Teach the base model your thing. Empty fields take the base model's defaults."
      >
        <button class="button main" disabled={busy.value}>
          {busy.value ? "Queuing…" : "Start the training"}
        </button>
      </Head>
      <div class="two">
        <div class="stack">
          {failure.value && <ErrorNote error={failure.value} />}
          {elsewhere.map((one) => (
            <p class="note bad" role="alert" key={one.field}>
              {one.field}: {one.text}
            </p>
          ))}
          <div class="card stack">
            <div class="fields">
              <Field label="Concept" id="concept" problem={problemOf("concept_name")}>
                {(aria) => (
                  <select
                    {...aria}
                    value={concept.name}
                    onChange={(event) => set("concept", event.currentTarget.value)}
                  >
                    {concepts.map((one) => (
                      <option key={one.name} value={one.name}>
                        {titleOf(one)}
                      </option>
                    ))}
                  </select>
                )}
              </Field>
              <Field
                label="Base model"
                id="base_model"
                problem={problemOf("base_model")}
                hint={base.available ? undefined : "No worker serves it now; the job will wait."}
              >
                {(aria) => (
                  <select
                    {...aria}
                    value={base.name}
                    onChange={(event) => set("base_model", event.currentTarget.value)}
                  >
                    {baseModels.map((one) => (
                      <option key={one.name} value={one.name}>
                        {one.displayName || idOf(one.name)}
                      </option>
                    ))}
                  </select>
                )}
              </Field>
            </div>
            <Field
              label="What is it?"
              id="init_word"
              problem={problemOf("init_word") ?? (word.value && !word.value.oneToken ? word.value.problem : undefined)}
              good={wordGood}
              hint="One word for the kind of thing, as “dog” or “robot”: the training starts from what the base model knows of it."
            >
              {(aria) => (
                <input
                  {...aria}
                  {...text("init_word")}
                  autocomplete="off"
                  autocapitalize="off"
                  spellcheck={false}
                  required
                />
              )}
            </Field>
            {word.value && !word.value.oneToken && word.value.nearWords.length > 0 && (
              <div class="row" role="group" aria-label="Words that can be used">
                <span class="muted small">Can be used:</span>
                {word.value.nearWords.map((near) => (
                  <button type="button" class="button compact" key={near} onClick={() => set("init_word", near)}>
                    {near}
                  </button>
                ))}
              </div>
            )}
            <div class="fields">
              {main.map(numberInput)}
              <Field label="Seed" id="seed" problem={problemOf("seed")} hint="Empty: drawn by the server.">
                {(aria) => <input {...aria} {...text("seed")} inputMode="numeric" placeholder="random" />}
              </Field>
              <Field
                label="Name"
                id="display_name"
                problem={problemOf("display_name")}
                hint="For people; may be empty."
              >
                {(aria) => <input {...aria} {...text("display_name")} maxLength={255} />}
              </Field>
            </div>
            <label class="check">
              <input
                type="checkbox"
                checked={form.value.evaluate ? form.value.evaluate === "on" : (defaults?.evaluate ?? false)}
                onChange={(event) => set("evaluate", event.currentTarget.checked ? "on" : "off")}
              />
              Evaluate the adapter when it is done
            </label>
            <p class="muted small">
              An evaluation draws a few pictures with and without the adapter, and measures how well they show your
              thing. You can also ask for it later.
            </p>
            {problemOf("evaluate") && (
              <p class="note bad" role="alert">
                {problemOf("evaluate")}
              </p>
            )}
          </div>
          <details class="more card">
            <summary>Samples</summary>
            <div class="stack">
              <Field
                label="Prompts of the samples"
                id="sample_prompts"
                problem={problemOf("sample_prompts") ?? problemOf("sample_prompt")}
                hint={`One a line, at most 4. ${spec.placeholder || defaults?.placeholder || "S*"} stands for your thing.`}
              >
                {(aria) => (
                  <textarea
                    {...aria}
                    {...text("sample_prompts")}
                    rows={3}
                    placeholder={`a photo of ${defaults?.placeholder || "S*"}`}
                  />
                )}
              </Field>
              <label class="check">
                <input
                  type="checkbox"
                  checked={!!form.value.sample_first}
                  onChange={(event) => set("sample_first", event.currentTarget.checked ? "on" : "")}
                />
                Also draw samples before the first step
              </label>
            </div>
          </details>
          <details class="more card">
            <summary>Advanced</summary>
            <div class="stack">
              <div class="fields">
                {advanced.map(numberInput)}
                {choices.map((choice) => (
                  <ChoiceField
                    key={choice.field}
                    choice={choice}
                    form={form}
                    defaults={defaults}
                    problem={problemOf(choice.field)}
                  />
                ))}
                <Field label="Word for your thing in prompts" id="placeholder" problem={problemOf("placeholder")}>
                  {(aria) => <input {...aria} {...text("placeholder")} placeholder={defaults?.placeholder || "S*"} />}
                </Field>
                <Field label="Mask of the reference" id="mask" problem={problemOf("mask")}>
                  {(aria) => (
                    <select
                      {...aria}
                      value={form.value.mask ?? ""}
                      onChange={(event) => set("mask", event.currentTarget.value)}
                    >
                      <option value="">
                        default{defaults?.mask === undefined ? "" : defaults.mask ? " (on)" : " (off)"}
                      </option>
                      <option value="on">on</option>
                      <option value="off">off</option>
                    </select>
                  )}
                </Field>
              </div>
            </div>
          </details>
        </div>
        <aside class="card stack sticky" aria-label="The concept">
          <div class="row spread">
            <h2>{titleOf(concept)}</h2>
            <span class="muted small">{plural(concept.pictures.length, "picture")}</span>
          </div>
          <ul class="plain tiles" style={{ gridTemplateColumns: "repeat(3, 1fr)", gap: "8px" }}>
            {concept.pictures.map((picture, index) => (
              <li key={index} class="picture waiting">
                <Thumb picture={picture} alt={picture.fileName || `Picture ${index + 1}`} side={128} />
              </li>
            ))}
          </ul>
        </aside>
      </div>
    </form>
  );
}

interface ChoiceProps {
  choice: Choice;
  form: Signal<Form>;
  defaults: TrainSpec | undefined;
  problem?: string;
}

function ChoiceField({ choice, form, defaults, problem }: ChoiceProps) {
  const preset = choice.options.find(([value]) => value === defaults?.[choice.name]);
  return (
    <Field label={choice.label} id={choice.field} problem={problem}>
      {(aria) => (
        <select
          {...aria}
          value={form.value[choice.field] ?? ""}
          onChange={(event) => (form.value = { ...form.value, [choice.field]: event.currentTarget.value })}
        >
          <option value="">default{preset ? ` (${preset[1]})` : ""}</option>
          {choice.options.map(([value, label]) => (
            <option key={value} value={String(value)}>
              {label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
