// One concept: its pictures with what the server noticed, and what was trained from it.
import { useSignal } from "@preact/signals";
import { conceptService } from "../api/clients";
import type { Concept } from "../gen/vico/v1/concept_pb";
import { Confirm, Rename } from "../parts/dialogs";
import { Await, Empty, Head } from "../parts/elements";
import { JobTable } from "../parts/job_table";
import { type LightboxPicture } from "../parts/lightbox";
import { ZoomPicture } from "../parts/picture";
import { StartHere } from "../parts/start_here";
import { navigate } from "../router";
import { adapterNamed, useAdapters, useConcepts } from "../state/catalog";
import { jobs, newestFirst } from "../state/jobs";
import { useLoaded } from "../state/loaded";
import { sayError, toast } from "../state/toasts";
import { forPeople, idOf, plural, titleOf, when } from "../text";
import { pictureIndex } from "./new_concept";

export function ConceptPage({ name }: { name: string }) {
  const source = useLoaded(() => conceptService.getConcept({ name }), name);
  return <Await of={source.value}>{(one) => <View of={one} reload={() => void source.reload()} />}</Await>;
}

/** The warnings of each picture: by index. A pair of twins is said at both. */
export function warningsByPicture(concept: Concept): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const { reason, message } of concept.warnings) {
    const indexes = [...message.matchAll(/pictures\[(\d+)\]/g)].map((match) => Number(match[1]));
    for (const index of indexes) {
      const other = indexes.find((one) => one !== index);
      const text =
        reason === "DUPLICATE_PICTURES" && other !== undefined
          ? `looks like picture ${other + 1}`
          : message.replace(/^pictures\[\d+\]:\s*/, "");
      found.set(index, [...(found.get(index) ?? []), text]);
    }
  }
  return found;
}

function View({ of, reload }: { of: Concept; reload: () => void }) {
  const asking = useSignal<"" | "delete" | "rename">("");
  const trainings = newestFirst(jobs.value.values()).filter(
    (job) => job.spec?.kind.case === "train" && job.spec.kind.value.conceptName === of.name,
  );
  useAdapters();
  const adapter = trainings.map((job) => adapterNamed(job.adapter)).find(Boolean); // the newest that is not deleted
  const warnings = warningsByPicture(of);
  const other = of.warnings.filter((warning) => pictureIndex(warning.message) < 0);
  const pictures: LightboxPicture[] = of.pictures.map((picture, index) => ({
    ...picture,
    alt: picture.fileName || `Picture ${index + 1}`,
  }));
  const id = idOf(of.name);
  return (
    <>
      <Head
        title={titleOf(of)}
        crumb={<a href="/">Concepts</a>}
        lead={`${plural(of.pictures.length, "picture")}, uploaded ${when(of.createTime)}`}
      >
        {adapter && (
          <a class="button main" href={`/gallery?adapter=${idOf(adapter.name)}`}>
            Draw it
          </a>
        )}
        <a class={adapter ? "button" : "button main"} href={`/train?concept=${id}`}>
          {adapter ? "Train again" : "Train"}
        </a>
        <button type="button" class="button" onClick={() => (asking.value = "rename")}>
          Rename
        </button>
        <button type="button" class="button danger" onClick={() => (asking.value = "delete")}>
          Delete
        </button>
      </Head>
      <section aria-label="Pictures of the concept">
        {other.map((warning) => (
          <p class="note warm" key={warning.message}>
            {forPeople(warning.message)}
          </p>
        ))}
        <ul class="plain tiles medium">
          {of.pictures.map((picture, index) => (
            <li class="tile" key={index}>
              <ZoomPicture picture={picture} alt={pictures[index].alt} among={pictures} index={index} />
              <div class="caption">
                <span title={picture.fileName}>{picture.fileName || `Picture ${index + 1}`}</span>
                <span>
                  {picture.width} × {picture.height}
                </span>
                <StartHere name={picture.name} what={pictures[index].alt} />
              </div>
              {warnings.get(index)?.map((text) => (
                <span class="chip warm" style={{ whiteSpace: "normal" }} key={text}>
                  {text}
                </span>
              ))}
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h2>Trainings</h2>
        {trainings.length ? (
          <JobTable jobs={trainings} />
        ) : (
          <Empty
            title="Not trained yet"
            text="A training makes an adapter: a small file that teaches the base model this thing."
          >
            <a class="button main" href={`/train?concept=${id}`}>
              Train this concept
            </a>
          </Empty>
        )}
      </section>
      {asking.value === "rename" && (
        <Rename
          title="Rename the concept"
          value={of.displayName}
          onClose={() => (asking.value = "")}
          onSave={async (displayName) => {
            try {
              await conceptService.updateConcept({
                updatedConcept: { name: of.name, displayName },
                updateMask: { paths: ["display_name"] },
              });
              reload();
              void useConcepts().reload();
            } catch (error) {
              sayError(error);
            }
          }}
        />
      )}
      {asking.value === "delete" && (
        <Confirm
          title="Delete this concept?"
          text="Its pictures are removed. Adapters that were trained from it stay."
          action="Delete"
          onClose={() => (asking.value = "")}
          onConfirm={async () => {
            try {
              await conceptService.deleteConcept({ name: of.name });
              toast("The concept is deleted.");
              void useConcepts().reload();
              navigate("/");
            } catch (error) {
              sayError(error);
            }
          }}
        />
      )}
    </>
  );
}
