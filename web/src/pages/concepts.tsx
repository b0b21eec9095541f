// The concepts: sets of pictures of one thing.
import { Thumb } from "../parts/picture";
import { Await, Empty, Head } from "../parts/elements";
import { NoWorker } from "../parts/no_worker";
import type { Concept } from "../gen/vico/v1/concept_pb";
import { navigate } from "../router";
import { loadMoreConcepts, moreConcepts, useConcepts } from "../state/catalog";
import { ago, idOf, plural, titleOf } from "../text";
import { pending } from "./new_concept";

export function ConceptsPage() {
  const concepts = useConcepts();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    pending.value = files;
    navigate("/concepts/new");
  };
  return (
    <div onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <Head
        title="Concepts"
        lead="A concept is 2 to 20 pictures of one thing. Train it once, then draw it in any scene."
      >
        <a class="button main" href="/concepts/new">
          New concept
        </a>
      </Head>
      <NoWorker />
      <Await of={concepts.value}>
        {(all) =>
          all.length ? (
            <>
              <ul class="plain tiles large">
                {all.map((one) => (
                  <li key={one.name}>
                    <Card concept={one} />
                  </li>
                ))}
              </ul>
              {moreConcepts.value && (
                <p style={{ marginTop: "20px" }}>
                  <button type="button" class="button" onClick={loadMoreConcepts}>
                    Show older
                  </button>
                </p>
              )}
            </>
          ) : (
            <Empty
              title="Start with your pictures"
              text="Drop 2 to 20 pictures of your thing anywhere on this page: a toy, a pet, a product."
            >
              <a class="button main" href="/concepts/new">
                Choose pictures
              </a>
              <Way />
            </Empty>
          )
        }
      </Await>
    </div>
  );
}

/** What comes after one another, for somebody who is here for the first time. */
function Way() {
  return (
    <ol class="way">
      <li>
        <strong>Upload</strong> pictures of one thing. Together they are a concept.
      </li>
      <li>
        <strong>Train</strong> it. The result is an adapter: a small file that teaches the base model your thing.
      </li>
      <li>
        <strong>Draw</strong> your thing in any scene that you describe.
      </li>
    </ol>
  );
}

function Card({ concept }: { concept: Concept }) {
  const duplicates = concept.warnings.some((warning) => warning.reason === "DUPLICATE_PICTURES");
  return (
    <a class="set" href={`/concepts/${idOf(concept.name)}`}>
      <div class="mosaic">
        {[0, 1, 2].map((index) =>
          concept.pictures[index] ? (
            <Thumb key={index} picture={concept.pictures[index]} alt="" />
          ) : (
            <span key={index} />
          ),
        )}
      </div>
      <div class="text">
        <div class="row spread">
          <strong>{titleOf(concept)}</strong>
          {duplicates && <span class="chip warm">duplicates</span>}
        </div>
        <span class="muted small">
          {plural(concept.pictures.length, "picture")} · {ago(concept.createTime)}
        </span>
      </div>
    </a>
  );
}
