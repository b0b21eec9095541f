// The part of the start picture that is drawn anew, as somebody has painted it.
import { signal } from "@preact/signals";
import { uploadPicture } from "../api/picture_upload";
import { isKept, keepUpload } from "./uploads";

export interface Mask {
  of: string; // name of the start picture
  picture: Blob; // light where the picture is drawn anew
  url: string; // of `picture`, for <img>
  uploaded: string; // its name on the server; empty before a drawing has needed it
}

const painted = signal<Mask | undefined>(undefined);

/** The mask of this start picture, if there is one. */
export const maskOf = (name: string): Mask | undefined => (painted.value?.of === name ? painted.value : undefined);

/** Keeps a mask of the start picture; without `picture`, all of it is drawn anew. */
export function setMask(of: string, picture?: Blob): void {
  if (painted.peek()) URL.revokeObjectURL(painted.peek()!.url);
  painted.value = picture && { of, picture, url: URL.createObjectURL(picture), uploaded: "" };
}

/** The name of the mask on the server, which gets it once, and again when it has deleted it. */
export async function uploadedMask(mask: Mask): Promise<string> {
  if (!isKept(mask.uploaded)) mask.uploaded = keepUpload(await uploadPicture(mask.picture, "mask.png"), "Mask");
  return mask.uploaded;
}
