// The form of a generation. It outlives the page, so that nothing that was typed is lost by looking elsewhere.
import { create } from "@bufbuild/protobuf";
import { computed, signal } from "@preact/signals";
import type { Violation } from "../api/errors";
import { type GenerateSpec, GenerateSpecSchema, type Picture } from "../gen/vico/v1/job_pb";
import { drawSeed, readNumber, readSeed } from "../parts/numbers";
import { promptAt } from "./prompts";

export interface Draft {
  adapter: string; // empty: the base model alone
  baseModel: string; // empty: the adapter's own
  prompts: string; // one a line
  negativePrompt: string;
  pictureCount: string;
  seed: string;
  seedLocked: boolean;
  steps: string;
  guidanceScale: string;
  scheduler: string;
  width: string;
  height: string;
  strength: string; // of the adapter
  initPicture: string; // name of the picture to start from; empty: noise
  denoise: string;
  displayName: string;
}

export const emptyDraft: Draft = {
  adapter: "",
  baseModel: "",
  prompts: "",
  negativePrompt: "",
  pictureCount: "4",
  seed: "",
  seedLocked: false,
  steps: "",
  guidanceScale: "",
  scheduler: "",
  width: "",
  height: "",
  strength: "",
  initPicture: "",
  denoise: "",
  displayName: "",
};

/** What the settings of a picture do not say. */
type Own = "pictureCount" | "displayName";

export const draft = signal<Draft>(emptyDraft);

/** Fields that were typed since the last drawing: settings of a picture do not replace them. */
export const edited = signal<ReadonlySet<keyof Draft>>(new Set());

export function edit<Name extends keyof Draft>(field: Name, value: Draft[Name]): void {
  draft.value = { ...draft.value, [field]: value };
  edited.value = new Set(edited.value).add(field);
}

const suggestion = signal("");

/** The prompt is the page's suggestion. */
export const isSuggested = computed(() => !!suggestion.value && draft.value.prompts === suggestion.value);

/** Fills an empty prompt, so that drawing works at once. `placeholder` stands for the thing of the adapter. */
export function suggestPrompt(placeholder = "robot"): void {
  const { prompts } = draft.peek();
  if (prompts && !isSuggested.peek()) return;
  suggestion.value = `a photo of a ${placeholder} on the beach`;
  draft.value = { ...draft.peek(), prompts: suggestion.value };
}

/** What a picture was drawn with, as the form says it. */
export function draftOf(spec: GenerateSpec, { index, seed }: Pick<Picture, "index" | "seed">): Omit<Draft, Own> {
  const text = (value: number | undefined) => (value === undefined ? "" : String(value));
  return {
    adapter: spec.adapter,
    baseModel: spec.baseModel,
    prompts: promptAt(spec, index),
    negativePrompt: spec.negativePrompt,
    seed: String(seed),
    seedLocked: true,
    steps: text(spec.steps),
    guidanceScale: text(spec.guidanceScale),
    scheduler: spec.scheduler,
    width: text(spec.width),
    height: text(spec.height),
    strength: text(spec.strength),
    initPicture: spec.initPicture,
    denoise: text(spec.denoise),
  };
}

const names: Partial<Record<keyof Draft, string>> = {
  adapter: "adapter",
  prompts: "prompt",
  negativePrompt: "negative prompt",
  seed: "seed",
  steps: "steps",
  guidanceScale: "guidance",
  scheduler: "scheduler",
  width: "size",
  strength: "strength",
  initPicture: "start picture",
  denoise: "denoise",
};

/**
 * The draft with the settings of a picture. What was typed stays, unless `all`; `kept` names it. A field that says the
 * same is not kept, it is equal.
 */
export function takeSettings(
  now: Draft,
  typed: ReadonlySet<keyof Draft>,
  settings: Omit<Draft, Own>,
  all: boolean,
): { draft: Draft; kept: string[] } {
  const next = { ...now };
  const kept: string[] = [];
  for (const [field, value] of Object.entries(settings) as [keyof typeof settings, never][]) {
    if (all || !typed.has(field) || now[field] === value || now[field] === "") next[field] = value;
    else if (names[field]) kept.push(names[field]);
  }
  if (kept.includes("seed")) next.seedLocked = now.seedLocked;
  return { draft: next, kept };
}

export const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/**
 * The spec that the form says, without its base model, and what is wrong before the server is asked. All prompts have
 * the same seeds.
 */
export function readDraft(form: Draft): { spec: GenerateSpec; problems: Violation[]; seed: bigint } {
  const problems: Violation[] = [];
  const read = (text: string, field: string, whole = true) => {
    const { value, problem } = readNumber(text, whole);
    if (problem) problems.push({ field: `generate.${field}`, text: problem });
    return value;
  };
  const typed = readSeed(form.seed);
  if (typed.problem) problems.push({ field: "generate.seeds", text: typed.problem });
  const seed = typed.value ?? drawSeed();
  const prompts = linesOf(form.prompts);
  if (!prompts.length) problems.push({ field: "generate.prompt", text: "say what to draw" });
  const spec = create(GenerateSpecSchema, {
    adapter: form.adapter,
    prompt: prompts.length === 1 ? prompts[0] : "",
    prompts: prompts.length > 1 ? prompts : [],
    negativePrompt: form.negativePrompt.trim(),
    pictureCount: read(form.pictureCount, "picture_count"),
    steps: read(form.steps, "steps"),
    guidanceScale: read(form.guidanceScale, "guidance_scale", false),
    scheduler: form.scheduler,
    width: read(form.width, "width"),
    height: read(form.height, "height"),
    seeds: [seed],
    strength: form.adapter ? read(form.strength, "strength", false) : undefined,
    initPicture: form.initPicture,
    denoise: form.initPicture ? read(form.denoise, "denoise", false) : undefined,
  });
  return { spec, problems, seed };
}
