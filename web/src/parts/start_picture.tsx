// The part of the form of a drawing that says which picture it starts from.
import { startPictureNamed, startPictureTitle } from "../state/start_picture";
import { draft, edit } from "../state/draft";
import { limitOf } from "../state/catalog";
import { Thumb } from "./picture";
import { Slider } from "./slider";

// docs/api.md: above 0, at most 1; 0.8 unless it is said.
const presetDenoise = 0.8;
const denoiseLimits = { min: 0.05, max: 1 };

export function StartPicture({ problemOf }: { problemOf: (field: string) => string | undefined }) {
  const { initPicture: name, denoise } = draft.value;
  const problem = problemOf("init_picture");
  if (!name) return problem ? <p class="note bad">{problem}</p> : null;
  const shown = startPictureNamed(name);
  const limit = limitOf("generate.denoise");
  return (
    <fieldset class="start" aria-describedby={problem ? "init_picture-problem" : undefined}>
      <legend>Starts from a picture</legend>
      <div class="row" style={{ flexWrap: "nowrap" }}>
        {shown?.blob && <Thumb picture={shown} alt="" side={128} />}
        <span class="small name">{startPictureTitle(name)}</span>
        <button
          type="button"
          class="button compact"
          onClick={() => {
            edit("initPicture", "");
            edit("denoise", "");
          }}
        >
          Remove
        </button>
      </div>
      {problem && (
        <span class="problem" id="init_picture-problem" role="alert">
          {problem}
        </span>
      )}
      <Slider
        label="How much is drawn anew"
        id="denoise"
        value={denoise}
        preset={presetDenoise}
        limit={{ min: Math.max(denoiseLimits.min, limit?.min ?? 0), max: limit?.max ?? denoiseLimits.max }}
        step={0.05}
        hint="Little keeps the picture; 1 draws all of it anew."
        problem={problemOf("denoise")}
        onInput={(value) => edit("denoise", value)}
      />
    </fieldset>
  );
}
