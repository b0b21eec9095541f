// The picture that a drawing starts from in place of noise. A job only names it; what it looks like is found among the
// jobs, concepts, adapters and uploads of the page.
import type { Shown } from "../parts/picture";
import { idOf } from "../text";
import { adapterNamed, useAdapters, useConcepts } from "./catalog";
import { jobs } from "./jobs";
import { promptIn } from "./prompts";
import { isUpload, uploadNamed } from "./uploads";

/** The picture of this name with its digest; undefined if it is gone or too old to be on the page. */
export function startPictureNamed(name: string): Shown | undefined {
  const [collection, id, kind] = name.split("/");
  const parent = `${collection}/${id}`;
  if (isUpload(name)) return uploadNamed(name);
  if (collection === "jobs") return jobs.value.get(parent)?.pictures.find((picture) => picture.name === name);
  if (collection === "concepts")
    return useConcepts()
      .value.value?.find((concept) => concept.name === parent)
      ?.pictures.find((picture) => picture.name === name);
  useAdapters();
  return kind === "reference" ? { name, blob: adapterNamed(parent)?.reference } : undefined;
}

/** What a person calls it. */
export function startPictureTitle(name: string): string {
  const [collection, id, , index] = name.split("/");
  if (isUpload(name)) return uploadNamed(name)?.title ?? "An uploaded picture";
  const job = collection === "jobs" ? jobs.value.get(`jobs/${id}`) : undefined;
  const picture = job?.pictures.find((one) => one.name === name);
  if (job && picture) return `${promptIn(job, picture.index)}, seed ${picture.seed}`;
  if (collection === "concepts") return `Picture ${Number(index) + 1} of a concept`;
  return collection === "adapters" ? "Reference picture" : idOf(name);
}
