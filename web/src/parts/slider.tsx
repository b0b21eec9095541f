// A number on a slider. Until somebody moves it, it stands at the default and sends none.
import type { Range } from "../gen/vico/v1/model_pb";
import { number } from "../text";
import { Field } from "./elements";

interface SliderProps {
  label: string;
  id: string;
  value: string; // empty: the default
  preset: number;
  limit: Pick<Range, "min" | "max">;
  step: number;
  hint?: string;
  problem?: string;
  onInput: (value: string) => void;
}

export function Slider({ label, id, value, preset, limit, step, hint, problem, onInput }: SliderProps) {
  const at = value === "" ? preset : Number(value);
  return (
    <Field label={label} id={id} hint={hint} problem={problem}>
      {(aria) => (
        <span class="slider">
          <input
            {...aria}
            type="range"
            min={limit.min}
            max={limit.max}
            step={step}
            value={at}
            onInput={(event) => onInput(event.currentTarget.value)}
          />
          <output class="number" for={id}>
            {number(at)}
          </output>
        </span>
      )}
    </Field>
  );
}
