// The prompts of a generation, and which of its pictures shows which.
import type { GenerateSpec, Job } from "../gen/vico/v1/job_pb";
import { plural } from "../text";

export const promptsOf = (spec: GenerateSpec): string[] => (spec.prompts.length ? spec.prompts : [spec.prompt]);

/** Pictures of each prompt. */
export const countOf = (spec: GenerateSpec): number => Math.max(1, spec.pictureCount ?? 1);

/** The prompt of the picture at `index` of its job. */
export const promptAt = (spec: GenerateSpec, index: number): string =>
  spec.prompts[Math.floor(index / countOf(spec))] ?? spec.prompts[0] ?? spec.prompt;

/** The prompt of a picture of a job; empty if it is no generation. */
export const promptIn = (job: Job, index: number): string =>
  job.spec?.kind.case === "generate" ? promptAt(job.spec.kind.value, index) : "";

/** All prompts in one line: the first, and how many there are besides. */
export function promptLine(spec: GenerateSpec): string {
  const [first, ...others] = promptsOf(spec);
  return others.length ? `${first}, and ${plural(others.length, "other prompt")}` : first;
}

/** The seed of the picture at `index`, if it is known before the picture is drawn. All prompts have the same seeds. */
export function seedAt(spec: GenerateSpec, index: number): bigint {
  const at = index % countOf(spec);
  return spec.seeds[at] ?? (spec.seeds[0] ?? 0n) + BigInt(at);
}
