// Takes an adapter file from the disk, with the reference picture that generation attends to.
import { useSignal } from "@preact/signals";
import { importAdapter } from "../api/adapters";
import { type CallError, toCallError } from "../api/errors";
import { Await, ErrorNote, Field, Head } from "../parts/elements";
import { NoWorker } from "../parts/no_worker";
import { navigate } from "../router";
import { useAdapters, useModels } from "../state/catalog";
import { bytes, idOf } from "../text";

export function ImportPage() {
  const models = useModels();
  const base = useSignal("");
  const file = useSignal<File | null>(null);
  const reference = useSignal<File | null>(null);
  const progress = useSignal<number | null>(null);
  const error = useSignal<CallError | null>(null);
  const problemOf = (field: string) => error.value?.violations.find((one) => one.field.includes(field))?.text;
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!file.value || !reference.value) return;
    progress.value = 0;
    error.value = null;
    try {
      const adapter = await importAdapter(
        base.value || models.value.value!.baseModels[0]?.name || "",
        file.value,
        reference.value,
        (share) => (progress.value = share),
      );
      void useAdapters().reload();
      navigate(`/adapters/${idOf(adapter.name)}`);
    } catch (thrown) {
      error.value = toCallError(thrown);
    }
    progress.value = null;
  };
  const choose = (target: typeof file) => (event: { currentTarget: HTMLInputElement }) => {
    target.value = event.currentTarget.files?.[0] ?? null;
  };
  return (
    <Await of={models.value}>
      {({ baseModels }) => (
        <form onSubmit={submit} style={{ maxWidth: "640px" }}>
          <Head
            title="Import an adapter"
            crumb={<a href="/adapters">Adapters</a>}
            lead="Files of the authors' code and of mmagic are converted by the command line: vico adapters import."
          />
          <NoWorker />
          <div class="card stack">
            {error.value && <ErrorNote error={error.value} />}
            <Field label="Base model" id="base" problem={problemOf("base_model")}>
              {(aria) => (
                <select
                  {...aria}
                  value={base.value || baseModels[0]?.name}
                  onChange={(event) => (base.value = event.currentTarget.value)}
                >
                  {baseModels.map((one) => (
                    <option key={one.name} value={one.name}>
                      {one.displayName || idOf(one.name)}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field
              label="Adapter file"
              id="file"
              hint={file.value ? bytes(file.value.size) : "safetensors, as the studio downloads it"}
            >
              {(aria) => <input {...aria} type="file" accept=".safetensors" required onChange={choose(file)} />}
            </Field>
            <Field
              label="Reference picture"
              id="reference"
              problem={problemOf("reference")}
              hint="PNG or JPEG; the picture that generation attends to"
            >
              {(aria) => (
                <input {...aria} type="file" accept="image/png,image/jpeg" required onChange={choose(reference)} />
              )}
            </Field>
            {progress.value !== null && <progress aria-label="Upload" max={1} value={progress.value} />}
            <div>
              <button class="button main" disabled={!file.value || !reference.value || progress.value !== null}>
                {progress.value === null ? "Import" : "Importing…"}
              </button>
            </div>
          </div>
        </form>
      )}
    </Await>
  );
}
