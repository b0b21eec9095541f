// Takes a picture from the disk and uploads it. Says what is wrong with it, here or on the server.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { toCallError } from "../api/errors";
import { uploadPicture } from "../api/picture_upload";
import { limitOf, useModels } from "../state/catalog";
import { keepUpload } from "../state/uploads";
import { bytes } from "../text";

interface ChoosePictureProps {
  label: string;
  onChosen: (name: string) => void;
}

export function ChoosePicture({ label, onChosen }: ChoosePictureProps) {
  const input = useRef<HTMLInputElement>(null);
  const sent = useSignal<number | null>(null); // share, while it is sent
  const problem = useSignal("");
  const formats = useModels().value.value?.capabilities.pictureFormats ?? [];
  const choose = async (file: File | undefined) => {
    if (!file) return;
    const most = limitOf("header.pictures.size_bytes")?.max ?? 10 << 20;
    problem.value = file.size > most ? `${file.name} has ${bytes(file.size)}; at most ${bytes(most)}` : "";
    if (problem.value) return;
    sent.value = 0;
    try {
      onChosen(keepUpload(await uploadPicture(file, file.name, (share) => (sent.value = share)), file.name));
    } catch (thrown) {
      const error = toCallError(thrown);
      problem.value = `${file.name}: ${error.violations[0]?.text ?? error.message}`;
    }
    sent.value = null;
  };
  return (
    <div class="field">
      <input
        ref={input}
        type="file"
        class="hidden-text"
        accept={formats.join(",")}
        tabIndex={-1}
        aria-label="File of the start picture"
        onChange={(event) => {
          void choose(event.currentTarget.files?.[0]);
          event.currentTarget.value = "";
        }}
      />
      <div>
        <button
          type="button"
          class="button compact"
          disabled={sent.value !== null}
          aria-describedby={problem.value ? "start-file-problem" : undefined}
          onClick={() => input.current?.click()}
        >
          {sent.value === null ? label : `Sending… ${Math.round(sent.value * 100)} %`}
        </button>
      </div>
      {problem.value && (
        <span class="problem" id="start-file-problem" role="alert">
          {problem.value}
        </span>
      )}
    </div>
  );
}
