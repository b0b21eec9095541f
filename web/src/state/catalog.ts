// What the server has besides jobs: its base models and limits, the concepts, the adapters.
import { computed, signal } from "@preact/signals";
import { adapterService, conceptService, modelService } from "../api/clients";
import type { Adapter } from "../gen/vico/v1/adapter_pb";
import type { Concept } from "../gen/vico/v1/concept_pb";
import type { Capabilities, BaseModel, Range } from "../gen/vico/v1/model_pb";
import { load, type Source } from "./loaded";
import { onEvent } from "./jobs";

let models: Source<{ capabilities: Capabilities; baseModels: BaseModel[] }> | undefined;
let conceptPages: Source<Concept[]> | undefined;
let adapterPages: Source<Adapter[]> | undefined;

export const useModels = () =>
  (models ??= load(async () => {
    const [capabilities, list] = await Promise.all([modelService.getCapabilities({}), modelService.listBaseModels({})]);
    return { capabilities, baseModels: list.baseModels };
  }));

/** Whether a worker serves a base model; undefined while that is not known. */
export const isServed = computed<boolean | undefined>(() =>
  useModels().value.value?.baseModels.some((model) => model.available),
);

const conceptLimit = signal(50);
const adapterLimit = signal(50);

interface Page<T> {
  entries: T[];
  nextPageToken: string;
}

async function pages<T>(limit: number, page: (token: string, size: number) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  let token = "";
  do {
    const one = await page(token, Math.min(100, limit - all.length));
    all.push(...one.entries);
    token = one.nextPageToken;
  } while (token && all.length < limit);
  return all;
}

export const useConcepts = () =>
  (conceptPages ??= load(() =>
    pages(conceptLimit.peek(), async (pageToken, pageSize) => {
      const { concepts, nextPageToken } = await conceptService.listConcepts({ pageToken, pageSize });
      return { entries: concepts, nextPageToken };
    }),
  ));

export const useAdapters = () =>
  (adapterPages ??= load(() =>
    pages(adapterLimit.peek(), async (pageToken, pageSize) => {
      const { adapters, nextPageToken } = await adapterService.listAdapters({ pageToken, pageSize });
      return { entries: adapters, nextPageToken };
    }),
  ));

/** There may be more than those loaded. */
export const moreConcepts = computed(() => (useConcepts().value.value?.length ?? 0) >= conceptLimit.value);
export const moreAdapters = computed(() => (useAdapters().value.value?.length ?? 0) >= adapterLimit.value);

export function loadMoreConcepts(): void {
  conceptLimit.value += 100;
  void useConcepts().reload();
}

export function loadMoreAdapters(): void {
  adapterLimit.value += 100;
  void useAdapters().reload();
}

/** The limits of a field of a request; undefined while they are not known. */
export function limitOf(field: string): Range | undefined {
  return useModels().value.value?.capabilities.limits[field];
}

export function adapterNamed(name: string): Adapter | undefined {
  return useAdapters().value.value?.find((adapter) => adapter.name === name);
}

export function baseModelNamed(name: string): BaseModel | undefined {
  return useModels().value.value?.baseModels.find((model) => model.name === name);
}

/** The base models that an adapter fits: its own first, then those whose networks have the same sizes. */
export function baseModelsFor(adapter: Adapter): BaseModel[] {
  const all = useModels().value.value?.baseModels ?? [];
  const own = all.find((model) => model.name === adapter.baseModel);
  if (!own?.shapeDigest) return own ? [own] : [];
  return [own, ...all.filter((model) => model !== own && model.shapeDigest === own.shapeDigest)];
}

onEvent((_, event) => {
  if (event.what.case === "succeeded" && event.what.value.adapter) void adapterPages?.reload();
});
