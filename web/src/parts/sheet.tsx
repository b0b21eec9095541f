// A contact sheet: a row for each prompt, of the base model alone and with the adapter.
import { useState } from "preact/hooks";
import { pictureUrl } from "../api/pictures";
import type { BlobRef } from "../gen/vico/v1/job_pb";
import { openLightbox } from "./lightbox";

interface SheetProps {
  name: string;
  blob: BlobRef;
  prompts: string[];
}

export function Sheet({ name, blob, prompts }: SheetProps) {
  const [size, setSize] = useState({ width: 0, height: 0 });
  const url = pictureUrl(name, blob);
  const alt = `Contact sheet: ${prompts.join("; ")}. Each row is one prompt, by the base model alone and with the adapter.`;
  return (
    <figure class="sheet stack tight">
      <button
        type="button"
        aria-label="Contact sheet: show larger"
        onClick={() => void openLightbox([{ name, blob, ...size, alt }], 0)}
      >
        <img
          src={url}
          alt={alt}
          onLoad={(event) => {
            const { naturalWidth: width, naturalHeight: height } = event.currentTarget;
            setSize({ width, height });
          }}
        />
      </button>
      <figcaption>
        <a class="button compact" href={url} download="report.png">
          Download the sheet
        </a>
      </figcaption>
    </figure>
  );
}
