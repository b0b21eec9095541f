// Queues an evaluation of an adapter. Empty fields take the base model's defaults, so that reports can be compared.
import { create } from "@bufbuild/protobuf";
import { useSignal } from "@preact/signals";
import { jobService, requestId } from "../api/clients";
import { toCallError, type Violation } from "../api/errors";
import type { Adapter } from "../gen/vico/v1/adapter_pb";
import { type EvaluateSpec, EvaluateSpecSchema } from "../gen/vico/v1/job_pb";
import { baseModelNamed, limitOf } from "../state/catalog";
import { linesOf } from "../state/draft";
import { putJob } from "../state/jobs";
import { number } from "../text";
import { Field } from "./elements";
import { readNumber, readSeed } from "./numbers";

interface Typed {
  prompts: string;
  pictureCount: string;
  seed: string;
}

/** The spec that the form says, and what is wrong before the server is asked. */
export function readEvaluation(adapter: string, form: Typed): { spec: EvaluateSpec; problems: Violation[] } {
  const count = readNumber(form.pictureCount, true);
  const seed = readSeed(form.seed);
  const problems: Violation[] = [];
  if (count.problem) problems.push({ field: "evaluate.picture_count", text: count.problem });
  if (seed.problem) problems.push({ field: "evaluate.seed", text: seed.problem });
  const prompts = linesOf(form.prompts);
  const spec = create(EvaluateSpecSchema, { adapter, prompts, pictureCount: count.value, seed: seed.value });
  return { spec, problems };
}

const known = ["prompts", "picture_count", "seed"];
const fieldOf = (violation: Violation): string => violation.field.replace(/^evaluate\./, "").replace(/\[.*$/, "");

export function EvaluateForm({ adapter, again }: { adapter: Adapter; again: boolean }) {
  const form = useSignal<Typed>({ prompts: "", pictureCount: "", seed: "" });
  const violations = useSignal<Violation[]>([]);
  const busy = useSignal(false);
  const defaults = baseModelNamed(adapter.baseModel)?.evaluationDefaults;
  const usual = defaults?.prompts.map((prompt) => prompt.replaceAll("{placeholder}", adapter.placeholder)).join("\n");
  const limit = limitOf("evaluate.picture_count");
  const problemOf = (field: string) => violations.value.find((one) => fieldOf(one) === field)?.text;
  const elsewhere = violations.value.filter((one) => !known.includes(fieldOf(one)));
  const submit = async (event: Event) => {
    event.preventDefault();
    const { spec, problems } = readEvaluation(adapter.name, form.value);
    violations.value = problems;
    if (problems.length) return;
    busy.value = true;
    try {
      putJob(await jobService.createEvaluationJob({ requestId: requestId(), evaluate: spec }));
    } catch (thrown) {
      const error = toCallError(thrown);
      violations.value = error.violations.length ? error.violations : [{ field: "", text: error.message }];
    }
    busy.value = false;
  };
  const text = (field: keyof Typed) => ({
    value: form.value[field],
    onInput: (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) =>
      (form.value = { ...form.value, [field]: event.currentTarget.value }),
  });
  return (
    <form class="stack tight" noValidate onSubmit={submit} aria-label="Evaluate">
      {elsewhere.map((one) => (
        <p class="note bad" role="alert" key={one.field}>
          {one.text}
        </p>
      ))}
      <div>
        <button class={again ? "button" : "button main"} disabled={busy.value}>
          {busy.value ? "Queuing…" : again ? "Evaluate again" : "Evaluate"}
        </button>
      </div>
      <details class="more card">
        <summary>Other prompts or seeds</summary>
        <div class="stack">
          <Field
            label="Prompts of the evaluation"
            id="evaluate_prompts"
            problem={problemOf("prompts")}
            hint={`One a line, with ${adapter.placeholder}. Reports with other prompts or seeds do not compare.`}
          >
            {(aria) => <textarea {...aria} {...text("prompts")} rows={4} placeholder={usual || "default"} />}
          </Field>
          <div class="fields">
            <Field
              label="Pictures of each prompt"
              id="evaluate_count"
              problem={problemOf("picture_count")}
              hint={limit && `${number(limit.min)} to ${number(limit.max)}`}
            >
              {(aria) => (
                <input
                  {...aria}
                  {...text("pictureCount")}
                  inputMode="numeric"
                  placeholder={String(defaults?.pictureCount ?? "default")}
                />
              )}
            </Field>
            <Field label="First seed" id="evaluate_seed" problem={problemOf("seed")}>
              {(aria) => (
                <input
                  {...aria}
                  {...text("seed")}
                  inputMode="numeric"
                  placeholder={String(defaults?.seed ?? "default")}
                />
              )}
            </Field>
          </div>
        </div>
      </details>
    </form>
  );
}
