// The adapters: what was learned.
import type { Adapter } from "../gen/vico/v1/adapter_pb";
import { Await, Empty, Head } from "../parts/elements";
import { Thumb } from "../parts/picture";
import { baseModelNamed, loadMoreAdapters, moreAdapters, useAdapters, useModels } from "../state/catalog";
import { adapterTitle, ago, idOf } from "../text";

export function AdaptersPage() {
  const adapters = useAdapters();
  useModels();
  return (
    <>
      <Head title="Adapters" lead="An adapter is one small file that teaches a base model your thing.">
        <a class="button" href="/adapters/import">
          Import
        </a>
      </Head>
      <Await of={adapters.value}>
        {(all) =>
          all.length ? (
            <>
              <ul class="plain tiles large">
                {all.map((one) => (
                  <li key={one.name}>
                    <Card adapter={one} />
                  </li>
                ))}
              </ul>
              {moreAdapters.value && (
                <p style={{ marginTop: "20px" }}>
                  <button type="button" class="button" onClick={loadMoreAdapters}>
                    Show older
                  </button>
                </p>
              )}
            </>
          ) : (
            <Empty title="No adapter yet" text="Train a concept, or import an adapter file that you have.">
              <a class="button main" href="/train">
                Train
              </a>
            </Empty>
          )
        }
      </Await>
    </>
  );
}

export const referenceOf = (adapter: Adapter) => ({
  name: `${adapter.name}/reference`,
  blob: adapter.reference,
  // The reference has the size of the base model's pictures.
  width: baseModelNamed(adapter.baseModel)?.resolution,
  height: baseModelNamed(adapter.baseModel)?.resolution,
});

function Card({ adapter }: { adapter: Adapter }) {
  return (
    <a class="set" href={`/adapters/${idOf(adapter.name)}`}>
      <span class="picture">
        <Thumb picture={referenceOf(adapter)} alt="" />
      </span>
      <div class="text">
        <strong>{adapterTitle(adapter)}</strong>
        <div class="muted small">
          {adapter.placeholder} is a {adapter.initWord} · {ago(adapter.createTime)}
        </div>
      </div>
    </a>
  );
}
