// Asks for how many steps more an adapter is trained. The result is a new adapter.
import { useSignal } from "@preact/signals";
import { jobService, requestId } from "../api/clients";
import { toCallError, type Violation } from "../api/errors";
import { navigate } from "../router";
import { limitOf } from "../state/catalog";
import { putJob } from "../state/jobs";
import { idOf, number } from "../text";
import { Dialog } from "./dialogs";
import { Field } from "./elements";
import { readNumber } from "./numbers";

interface TrainFurtherProps {
  adapter: string;
  onClose: () => void;
}

export function TrainFurther({ adapter, onClose }: TrainFurtherProps) {
  const steps = useSignal("");
  const name = useSignal("");
  const violations = useSignal<Violation[]>([]);
  const problemOf = (field: string) => violations.value.find((one) => one.field === field)?.text;
  const elsewhere = violations.value.filter((one) => one.field !== "steps" && one.field !== "display_name");
  const limit = limitOf("train.steps");
  const submit = async (event: Event, close: () => void) => {
    event.preventDefault();
    const { value, problem } = readNumber(steps.value, true);
    violations.value = value === undefined ? [{ field: "steps", text: problem ?? "say how many" }] : [];
    if (value === undefined) return;
    try {
      const displayName = name.value.trim();
      const job = await jobService.continueTraining({ requestId: requestId(), adapter, steps: value, displayName });
      putJob(job);
      close();
      navigate(`/jobs/${idOf(job.name)}`);
    } catch (thrown) {
      const error = toCallError(thrown);
      violations.value = error.violations.length ? error.violations : [{ field: "", text: error.message }];
    }
  };
  return (
    <Dialog title="Train further" onClose={onClose}>
      {(close) => (
        <form class="stack" noValidate onSubmit={(event) => void submit(event, close)}>
          <p class="muted">More steps from here on, with the same settings. They make a new adapter; this one stays.</p>
          {elsewhere.map((one) => (
            <p class="note bad" role="alert" key={one.field}>
              {one.field && `${one.field}: `}
              {one.text}
            </p>
          ))}
          <Field
            label="Further steps"
            id="further_steps"
            problem={problemOf("steps")}
            hint={limit && `At most ${number(limit.max, 6)} in all.`}
          >
            {(aria) => (
              <input
                {...aria}
                data-first
                inputMode="numeric"
                value={steps.value}
                onInput={(event) => (steps.value = event.currentTarget.value)}
              />
            )}
          </Field>
          <Field label="Name" id="further_name" problem={problemOf("display_name")} hint="For people; may be empty.">
            {(aria) => (
              <input
                {...aria}
                maxLength={255}
                value={name.value}
                onInput={(event) => (name.value = event.currentTarget.value)}
              />
            )}
          </Field>
          <div class="row">
            <button class="button main">Train further</button>
            <button type="button" class="button" onClick={close}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
