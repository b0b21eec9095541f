// A small button at a picture: the next drawing starts from it, or no longer.
import { draft, edit } from "../state/draft";
import { toast } from "../state/toasts";

export function StartHere({ name, what }: { name: string; what: string }) {
  const chosen = draft.value.initPicture === name;
  return (
    <button
      type="button"
      class="start-here"
      aria-label={`Use as start picture: ${what}`}
      title="Use as start picture"
      aria-pressed={chosen}
      onClick={() => {
        edit("initPicture", chosen ? "" : name);
        toast(chosen ? "The next drawing starts from noise." : "The next drawing starts from this picture.");
      }}
    >
      <Sign />
    </button>
  );
}

/** A frame with an arrow into it. */
function Sign() {
  return (
    <svg
      width="15"
      height="15"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2.2"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <path d="M9 4h9a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H9M3 12h10m0 0-4-4m4 4-4 4" />
    </svg>
  );
}
