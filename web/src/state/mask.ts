// The part of the start picture that is drawn anew, as somebody has painted it.
import { signal } from "@preact/signals";

export interface Mask {
  of: string; // name of the start picture
  picture: Blob; // light where the picture is drawn anew
  inverse: Blob;
  url: string; // of `picture`, for <img>
}

const painted = signal<Mask | undefined>(undefined);

/** The mask of this start picture, if there is one. */
export const maskOf = (name: string): Mask | undefined => (painted.value?.of === name ? painted.value : undefined);

export function setMask(mask: Omit<Mask, "url"> | undefined): void {
  if (painted.peek()) URL.revokeObjectURL(painted.peek()!.url);
  painted.value = mask && { ...mask, url: URL.createObjectURL(mask.picture) };
}
