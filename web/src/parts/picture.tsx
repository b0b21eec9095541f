// A picture that opens at full size.
import type { ComponentChildren } from "preact";
import { pictureUrl } from "../api/pictures";
import type { BlobRef } from "../gen/vico/v1/job_pb";
import { type LightboxPicture, openLightbox } from "./lightbox";

export interface Shown {
  name: string;
  blob?: BlobRef;
  width?: number;
  height?: number;
}

/** A picture of so few pixels needs no thumbnail. */
export const isSmall = (picture: { width?: number }): boolean => !!picture.width && picture.width <= 128;

interface ThumbProps {
  picture: Shown;
  alt: string;
  side?: number;
}

export function Thumb({ picture, alt, side = 256 }: ThumbProps) {
  return (
    <img
      src={pictureUrl(picture.name, picture.blob, isSmall(picture) ? 0 : side)}
      width={picture.width || undefined}
      height={picture.height || undefined}
      alt={alt}
      loading="lazy"
      decoding="async"
    />
  );
}

interface ZoomProps extends ThumbProps {
  /** All pictures that the arrows of the viewer reach; this one is at `index`. */
  among?: LightboxPicture[];
  index?: number;
  children?: ComponentChildren;
}

export function ZoomPicture({ picture, alt, side, among, index = 0, children }: ZoomProps) {
  const list = among ?? [{ ...picture, alt }];
  return (
    <button
      type="button"
      class="picture"
      aria-label={`${alt}: show larger`}
      onClick={() => void openLightbox(list, index)}
    >
      <Thumb picture={picture} alt="" side={side} />
      {children}
    </button>
  );
}
