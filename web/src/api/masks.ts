// A mask is a picture of the server by its name, and pictures get there as concepts: the mask is uploaded as a concept,
// which is deleted when the job is queued. The job keeps the pictures that it needs.
import type { Mask } from "../state/mask";
import { conceptService } from "./clients";
import { uploadConcept } from "./concepts";
import { sha256 } from "./digest";

async function fileOf(picture: Blob, name: string) {
  return { file: new File([picture], name, { type: "image/png" }), sha256: await sha256(picture) };
}

/** Does `work` with the name of the mask's picture, which is gone afterwards. */
export async function withMask<T>(mask: Mask, work: (name: string) => Promise<T>): Promise<T> {
  // A concept has two pictures at least.
  const pictures = await Promise.all([fileOf(mask.picture, "mask.png"), fileOf(mask.inverse, "inverse.png")]);
  const concept = await uploadConcept("Mask", pictures, () => undefined);
  try {
    return await work(`${concept.name}/pictures/0`);
  } finally {
    // The job is queued, or its error is what counts; a concept that stays can be deleted by hand.
    await conceptService.deleteConcept({ name: concept.name }).catch(() => undefined);
  }
}
