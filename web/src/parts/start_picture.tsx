// The part of the form of a drawing that says which picture it starts from.
import { signal } from "@preact/signals";
import { startPictureNamed, startPictureTitle } from "../state/start_picture";
import { draft, edit } from "../state/draft";
import { limitOf } from "../state/catalog";
import { maskOf, setMask } from "../state/mask";
import { ChoosePicture } from "./choose_picture";
import { MaskEditor } from "./mask_editor";
import { type Shown, Thumb } from "./picture";
import { Slider } from "./slider";

// docs/api.md: above 0, at most 1; 0.8 unless it is said.
const presetDenoise = 0.8;
const denoiseLimits = { min: 0.05, max: 1 };

export function StartPicture({ problemOf }: { problemOf: (field: string) => string | undefined }) {
  const { initPicture: name, denoise } = draft.value;
  const problem = problemOf("init_picture");
  const choose = (chosen: string) => edit("initPicture", chosen);
  if (!name)
    return (
      <>
        {problem && <p class="note bad">{problem}</p>}
        <ChoosePicture label="Start from a picture of yours" onChosen={choose} />
      </>
    );
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
      {problem && <ChoosePicture label="Choose a picture" onChosen={choose} />}
      {shown?.blob && <Part picture={shown} problem={problemOf("mask_picture")} />}
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

const painting = signal(false);

/** The question which part is drawn anew. It stands outside of the form, which Enter would send. */
export function MaskDialog() {
  const picture = startPictureNamed(draft.value.initPicture);
  if (!painting.value || !picture) return null;
  return <MaskEditor picture={picture} onClose={() => (painting.value = false)} />;
}

/** All of the picture, or the part that was painted. */
function Part({ picture, problem }: { picture: Shown; problem?: string }) {
  const mask = maskOf(picture.name);
  return (
    <>
      <div class="row">
        {mask && <img src={mask.url} alt="The part that is drawn anew" />}
        <button type="button" class="button compact" onClick={() => (painting.value = true)}>
          {mask ? "Paint another part" : "Draw only a part anew"}
        </button>
        {mask && (
          <button type="button" class="button compact" onClick={() => setMask(picture.name)}>
            Draw all of it
          </button>
        )}
      </div>
      {problem && (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
    </>
  );
}
