// The form of a generation. It outlives the page, so that nothing that was typed is lost by looking elsewhere.
import { create } from "@bufbuild/protobuf";
import { signal } from "@preact/signals";
import type { Violation } from "../api/errors";
import { type GenerateSpec, GenerateSpecSchema } from "../gen/vico/v1/job_pb";
import { drawSeed, readNumber, readSeed } from "../parts/numbers";

export interface Draft {
  adapter: string; // empty: the base model alone
  baseModel: string;
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
};

export const draft = signal<Draft>(emptyDraft);

/** Fields that were typed since the last drawing: settings of a picture do not replace them. */
export const edited = signal<ReadonlySet<keyof Draft>>(new Set());

export function edit<Name extends keyof Draft>(field: Name, value: Draft[Name]): void {
  draft.value = { ...draft.value, [field]: value };
  edited.value = new Set(edited.value).add(field);
}

/** What a picture was drawn with, as the form says it. */
export function draftOf(spec: GenerateSpec, seed: bigint): Omit<Draft, "pictureCount"> {
  const text = (value: number | undefined) => (value === undefined ? "" : String(value));
  return {
    adapter: spec.adapter,
    baseModel: spec.baseModel,
    prompts: spec.prompt,
    negativePrompt: spec.negativePrompt,
    seed: String(seed),
    seedLocked: true,
    steps: text(spec.steps),
    guidanceScale: text(spec.guidanceScale),
    scheduler: spec.scheduler,
    width: text(spec.width),
    height: text(spec.height),
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
};

/**
 * The draft with the settings of a picture. What was typed stays, unless `all`; `kept` names it. A field that says the
 * same is not kept, it is equal.
 */
export function takeSettings(
  now: Draft,
  typed: ReadonlySet<keyof Draft>,
  settings: Omit<Draft, "pictureCount">,
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

export const promptsOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/** A spec for each prompt, all with the same seed, so that their pictures can be compared. */
export function readDraft(form: Draft): { specs: GenerateSpec[]; problems: Violation[]; seed: bigint } {
  const problems: Violation[] = [];
  const whole = (text: string, field: string, exact = true) => {
    const { value, problem } = readNumber(text, exact);
    if (problem) problems.push({ field: `generate.${field}`, text: problem });
    return value;
  };
  const typed = readSeed(form.seed);
  if (typed.problem) problems.push({ field: "generate.seeds", text: typed.problem });
  const seed = typed.value ?? drawSeed();
  const common = {
    adapter: form.adapter,
    baseModel: form.adapter ? "" : form.baseModel,
    negativePrompt: form.negativePrompt.trim(),
    pictureCount: whole(form.pictureCount, "picture_count"),
    steps: whole(form.steps, "steps"),
    guidanceScale: whole(form.guidanceScale, "guidance_scale", false),
    scheduler: form.scheduler,
    width: whole(form.width, "width"),
    height: whole(form.height, "height"),
    seeds: [seed],
  };
  const prompts = promptsOf(form.prompts);
  if (!prompts.length) problems.push({ field: "generate.prompt", text: "say what to draw" });
  return { specs: prompts.map((prompt) => create(GenerateSpecSchema, { ...common, prompt })), problems, seed };
}
