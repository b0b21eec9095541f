// Pictures are dropped, checked one by one, and uploaded. What can be seen here is said before anything is sent; what only
// the server sees is said at the picture that it is about.
import { signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { uploadConcept } from "../api/concepts";
import { sha256 } from "../api/digest";
import { CallError, toCallError } from "../api/errors";
import { ErrorNote, Field, Head } from "../parts/elements";
import { navigate } from "../router";
import { limitOf, useConcepts, useModels } from "../state/catalog";
import { bytes, idOf, plural } from "../text";

/** Files that were dropped on another page. */
export const pending = signal<File[]>([]);

interface Chosen {
  file: File;
  url: string;
  sha256: string; // empty while it is computed
  width: number; // 0: this browser cannot show it
  height: number;
  refused: string; // by the server
}

/** What is wrong with each picture, and which are twins: by index. */
export function checkPictures(
  chosen: Pick<Chosen, "file" | "sha256" | "width" | "height" | "refused">[],
  limits: { maxBytes: number; minSide: number; maxSide: number },
): { problem: string; twin: number }[] {
  return chosen.map((one, index) => {
    const twin = one.sha256 ? chosen.findIndex((other) => other.sha256 === one.sha256) : index;
    let problem = one.refused;
    if (one.file.size > limits.maxBytes) problem ||= `has ${bytes(one.file.size)}; at most ${bytes(limits.maxBytes)}`;
    const side = Math.min(one.width, one.height);
    if (side && side < limits.minSide)
      problem ||= `is ${one.width} × ${one.height}; sides have at least ${limits.minSide} pixels`;
    if (side && one.file.type !== "image/jpeg" && Math.max(one.width, one.height) > limits.maxSide)
      problem ||= `is ${one.width} × ${one.height}; sides have at most ${limits.maxSide} pixels`;
    return { problem, twin: twin < index ? twin : -1 };
  });
}

/** The index in "header.pictures[3].size_bytes" or "pictures[3]"; -1 if there is none. */
export function pictureIndex(field: string): number {
  const match = /pictures\[(\d+)\]/.exec(field);
  return match ? Number(match[1]) : -1;
}

async function read(file: File): Promise<Chosen> {
  const url = URL.createObjectURL(file);
  const size = await createImageBitmap(file).then(
    (bitmap) => {
      const { width, height } = bitmap;
      bitmap.close();
      return { width, height };
    },
    () => ({ width: 0, height: 0 }),
  );
  return { file, url, sha256: "", ...size, refused: "" };
}

export function NewConceptPage() {
  const models = useModels();
  const chosen = useSignal<Chosen[]>([]);
  const name = useSignal("");
  const over = useSignal(false);
  const progress = useSignal<number | null>(null);
  const error = useSignal<CallError | null>(null);
  const stop = useMemo(() => new AbortController(), []);
  const input = useRef<HTMLInputElement>(null);

  const add = async (files: File[]) => {
    error.value = null;
    if (!name.value) name.value = commonName(files.map((file) => file.name));
    for (const file of files) {
      const one = await read(file);
      chosen.value = [...chosen.value, one];
      // One after the other: a digest takes the file into memory.
      const digest = await sha256(file).catch(() => "");
      chosen.value = chosen.value.map((other) => (other.url === one.url ? { ...other, sha256: digest } : other));
    }
  };
  useEffect(() => {
    void add(pending.value);
    pending.value = [];
    return () => {
      stop.abort();
      for (const one of chosen.peek()) URL.revokeObjectURL(one.url);
    };
  }, []);

  const limits = {
    maxBytes: limitOf("header.pictures.size_bytes")?.max ?? 10 << 20,
    minSide: limitOf("pictures.side")?.min ?? 64,
    maxSide: limitOf("pictures.side")?.max ?? 8192,
  };
  const count = limitOf("header.pictures") ?? { min: 2, max: 20 };
  const checks = checkPictures(chosen.value, limits);
  const usable = chosen.value.filter((_, index) => !checks[index].problem && checks[index].twin < 0);
  const ready = usable.length >= count.min && usable.length <= count.max && usable.every((one) => one.sha256);

  const remove = (url: string) => {
    URL.revokeObjectURL(url);
    chosen.value = chosen.value.filter((one) => one.url !== url);
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!ready || progress.value !== null) return;
    progress.value = 0;
    error.value = null;
    try {
      const made = await uploadConcept(name.value.trim(), usable, (share) => (progress.value = share), stop.signal);
      void useConcepts().reload();
      navigate(`/concepts/${idOf(made.name)}`);
    } catch (thrown) {
      const failed = toCallError(thrown);
      const refused = new Map(failed.violations.map((one) => [usable[pictureIndex(one.field)], one.text]));
      // The server numbers what it was sent; here the reason stands at the picture.
      chosen.value = chosen.value.map((one) => ({ ...one, refused: refused.get(one) ?? one.refused }));
      const all = failed.violations.length > 0 && failed.violations.every((one) => usable[pictureIndex(one.field)]);
      error.value = all
        ? new CallError(`The server refuses ${plural(refused.size, "picture")}: see below.`, failed.code, "", [])
        : failed;
      progress.value = null;
    }
  };
  const formats = models.value.value?.capabilities.pictureFormats ?? ["image/jpeg", "image/png", "image/webp"];

  return (
    <form onSubmit={submit}>
      <Head
        title="New concept"
        crumb={<a href="/">Concepts</a>}
        lead="Show the thing from several sides and before different backgrounds."
      >
        <button class="button main" disabled={!ready || progress.value !== null}>
          {progress.value === null ? `Upload ${usable.length ? plural(usable.length, "picture") : ""}` : "Uploading…"}
        </button>
      </Head>
      <div class="stack">
        <div
          class={`drop ${over.value ? "over" : ""} ${chosen.value.length ? "compact" : ""}`}
          onDragOver={(event) => {
            event.preventDefault();
            over.value = true;
          }}
          onDragLeave={() => (over.value = false)}
          onDrop={(event) => {
            event.preventDefault();
            over.value = false;
            void add([...(event.dataTransfer?.files ?? [])]);
          }}
        >
          <strong>Drop pictures here</strong>
          <span class="muted small">
            {count.min} to {count.max} pictures, at most {bytes(limits.maxBytes)} each:{" "}
            {formats.map((format) => format.replace("image/", "").toUpperCase()).join(", ")}
          </span>
          <input
            ref={input}
            id="pictures"
            type="file"
            class="hidden-text"
            accept={formats.join(",")}
            multiple
            tabIndex={-1}
            aria-label="Pictures"
            onChange={(event) => {
              void add([...(event.currentTarget.files ?? [])]);
              event.currentTarget.value = "";
            }}
          />
          <button type="button" class="button" onClick={() => input.current?.click()}>
            Choose files
          </button>
        </div>
        {error.value && <ErrorNote error={error.value} />}
        {progress.value !== null && (
          <div>
            <progress aria-label="Upload" max={1} value={progress.value} />
            <p class="muted small" role="status">
              {progress.value < 1 ? `${Math.round(progress.value * 100)} % sent` : "The server checks the pictures…"}
            </p>
          </div>
        )}
        {chosen.value.length > 0 && (
          <>
            <div style={{ maxWidth: "420px" }}>
              <Field label="Name" id="name" hint="For you; you can change it later.">
                {(aria) => (
                  <input
                    {...aria}
                    maxLength={100}
                    value={name.value}
                    placeholder="My robot"
                    onInput={(event) => (name.value = event.currentTarget.value)}
                  />
                )}
              </Field>
            </div>
            <p class="muted" role="status">
              {summary(chosen.value.length, usable.length, count)}
            </p>
            <ul class="plain tiles medium">
              {chosen.value.map((one, index) => (
                <li key={one.url}>
                  <Checked
                    one={one}
                    {...checks[index]}
                    twinName={chosen.value[checks[index].twin]?.file.name}
                    onRemove={() => remove(one.url)}
                  />
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </form>
  );
}

function summary(all: number, usable: number, count: { min: number; max: number }): string {
  const left = all > usable ? ` ${plural(all - usable, "picture is", "pictures are")} left out.` : "";
  if (usable < count.min) return `${plural(usable, "usable picture")}; at least ${count.min} are needed.${left}`;
  if (usable > count.max) return `${usable} pictures; at most ${count.max} can be used. Remove some.`;
  return `${plural(usable, "picture")} will be uploaded.${left}`;
}

/** What the names of all files begin with, as "robot" of robot_01.png and robot_02.png; empty for less than 3 letters. */
export function commonName(names: string[]): string {
  let prefix = names[0] ?? "";
  for (const name of names) while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1);
  const words = prefix
    .replace(/\.[^.]*$/, "")
    .replace(/[_\-\s\d().]+/g, " ")
    .trim();
  return names.length > 1 && words.length > 2 && !/^(img|dsc|pxl|image|photo)/i.test(words) ? words.slice(0, 100) : "";
}

interface CheckedProps {
  one: Chosen;
  problem: string;
  twin: number;
  twinName?: string;
  onRemove: () => void;
}

function Checked({ one, problem, twin, twinName, onRemove }: CheckedProps) {
  return (
    <figure class={`checked tile ${problem ? "wrong" : twin >= 0 ? "twin" : ""}`} style={{ margin: 0 }}>
      <div class="picture waiting">{one.width ? <img src={one.url} alt={one.file.name} /> : null}</div>
      <button type="button" class="button remove icon" aria-label={`Remove ${one.file.name}`} onClick={onRemove}>
        ×
      </button>
      <figcaption class="stack tight" style={{ gap: "4px" }}>
        <div class="caption">
          <span title={one.file.name}>{one.file.name}</span>
          <span>{one.width ? `${one.width} × ${one.height}` : bytes(one.file.size)}</span>
        </div>
        {problem ? (
          <span class="chip bad" style={{ whiteSpace: "normal" }}>
            {problem}
          </span>
        ) : twin >= 0 ? (
          <span class="chip warm" style={{ whiteSpace: "normal" }}>
            the same as {twinName}
          </span>
        ) : one.sha256 ? (
          <span class="chip on">ready</span>
        ) : (
          <span class="chip">checking…</span>
        )}
      </figcaption>
    </figure>
  );
}
