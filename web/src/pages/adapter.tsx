// One adapter: what its training measured, its file, and what was drawn with it.
import { useSignal } from "@preact/signals";
import { adapterService } from "../api/clients";
import { downloadAdapter, saveFile } from "../api/adapters";
import type { Adapter } from "../gen/vico/v1/adapter_pb";
import { JobKind } from "../gen/vico/v1/job_pb";
import { Confirm, Rename } from "../parts/dialogs";
import { Await, Head } from "../parts/elements";
import { Thumb, ZoomPicture } from "../parts/picture";
import { navigate } from "../router";
import { baseModelNamed, useAdapters, useModels } from "../state/catalog";
import { jobs, newestFirst } from "../state/jobs";
import { isTwin } from "../state/labels";
import { promptIn } from "../state/prompts";
import { useLoaded } from "../state/loaded";
import { sayError, toast } from "../state/toasts";
import { adapterTitle, bytes, duration, idOf, number, when } from "../text";
import { referenceOf } from "./adapters";

export function AdapterPage({ name }: { name: string }) {
  const source = useLoaded(() => adapterService.getAdapter({ name }), name);
  useModels();
  return <Await of={source.value}>{(one) => <View of={one} reload={() => void source.reload()} />}</Await>;
}

function View({ of, reload }: { of: Adapter; reload: () => void }) {
  const asking = useSignal<"" | "delete" | "rename">("");
  const progress = useSignal<number | null>(null);
  const title = adapterTitle(of);
  const drawn = newestFirst(jobs.value.values())
    .filter(
      (job) =>
        job.kind === JobKind.GENERATION &&
        job.spec?.kind.case === "generate" &&
        job.spec.kind.value.adapter === of.name &&
        !isTwin(job),
    )
    .flatMap((job) => job.pictures.map((picture) => ({ job, picture })))
    .slice(0, 12);
  const download = async () => {
    progress.value = 0;
    try {
      const file = await downloadAdapter(of, (share) => (progress.value = share));
      saveFile(
        file,
        `${(of.displayName || of.initWord || idOf(of.name)).replace(/[^A-Za-z0-9._-]+/g, "_")}.safetensors`,
      );
    } catch (error) {
      sayError(error);
    }
    progress.value = null;
  };
  return (
    <>
      <Head
        title={title}
        crumb={<a href="/adapters">Adapters</a>}
        lead={`${of.placeholder} is a ${of.initWord}. Made ${when(of.createTime)}.`}
      >
        <a class="button main" href={`/gallery?adapter=${idOf(of.name)}`}>
          Draw with it
        </a>
        <a class="button" href={`/adapters/${idOf(of.name)}/report`}>
          Report
        </a>
        <button type="button" class="button" disabled={progress.value !== null} onClick={() => void download()}>
          {progress.value === null
            ? `Download (${bytes(of.blob?.sizeBytes ?? 0)})`
            : `${Math.round(progress.value * 100)} %`}
        </button>
        <button type="button" class="button" onClick={() => (asking.value = "rename")}>
          Rename
        </button>
        <button type="button" class="button danger" onClick={() => (asking.value = "delete")}>
          Delete
        </button>
      </Head>
      {of.warnings.map((warning) => (
        <p class="note warm" key={warning.message}>
          {warning.message}
        </p>
      ))}
      <div class="two left">
        <figure style={{ margin: 0 }} class="stack tight">
          <ZoomPicture picture={referenceOf(of)} alt="Reference picture" side={512} />
          <figcaption class="muted small">The reference picture. Generation attends to it.</figcaption>
        </figure>
        <div class="stack">
          {of.summary && of.summary.steps > 0n && <Summary of={of} />}
          <div class="card">
            <dl class="facts">
              <dt>Base model</dt>
              <dd>{baseModelNamed(of.baseModel)?.displayName || idOf(of.baseModel)}</dd>
              <dt>Its digest</dt>
              <dd>
                <code>{of.baseModelDigest.slice(0, 16)}…</code>
              </dd>
              <dt>File</dt>
              <dd>
                safetensors, <code>{of.blob?.sha256.slice(0, 16)}…</code>
              </dd>
              <dt>Training</dt>
              <dd>{of.job ? <a href={`/jobs/${idOf(of.job)}`}>{idOf(of.job).slice(0, 8)}</a> : "imported"}</dd>
            </dl>
          </div>
        </div>
      </div>
      {drawn.length > 0 && (
        <section>
          <h2>Drawn with it</h2>
          <ul class="plain tiles">
            {drawn.map(({ job, picture }) => (
              <li class="tile" key={picture.name}>
                <a
                  class="picture"
                  href={`/gallery/${idOf(job.name)}/${picture.index}`}
                  aria-label={`${promptIn(job, picture.index)}, seed ${picture.seed}`}
                >
                  <Thumb picture={picture} alt="" />
                </a>
                <div class="caption">
                  <span>{promptIn(job, picture.index)}</span>
                </div>
              </li>
            ))}
          </ul>
        </section>
      )}
      {asking.value === "rename" && (
        <Rename
          title="Rename the adapter"
          value={of.displayName}
          onClose={() => (asking.value = "")}
          onSave={async (displayName) => {
            try {
              await adapterService.updateAdapter({
                adapter: { name: of.name, displayName },
                updateMask: { paths: ["display_name"] },
              });
              reload();
              void useAdapters().reload();
            } catch (error) {
              sayError(error);
            }
          }}
        />
      )}
      {asking.value === "delete" && (
        <Confirm
          title="Delete this adapter?"
          text="Its file is removed. Pictures that were drawn with it stay."
          action="Delete"
          onClose={() => (asking.value = "")}
          onConfirm={async () => {
            try {
              await adapterService.deleteAdapter({ name: of.name });
              toast("The adapter is deleted.");
              void useAdapters().reload();
              navigate("/adapters");
            } catch (error) {
              sayError(error);
            }
          }}
        />
      )}
    </>
  );
}

function Summary({ of }: { of: Adapter }) {
  const summary = of.summary!;
  return (
    <div class="card">
      <dl class="figures">
        <div>
          <dt>Steps</dt>
          <dd>{String(summary.steps)}</dd>
        </div>
        <div>
          <dt>Training</dt>
          <dd>{duration(summary.trainSeconds)}</dd>
        </div>
        <div>
          <dt>Loss, first steps</dt>
          <dd>{number(summary.firstLoss)}</dd>
        </div>
        <div>
          <dt>Loss, last steps</dt>
          <dd>{number(summary.lastLoss)}</dd>
        </div>
        <div>
          <dt>Mask covers</dt>
          <dd>{Math.round(summary.maskCoverage * 100)} %</dd>
        </div>
      </dl>
    </div>
  );
}
