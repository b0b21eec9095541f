// The viewer of pictures: PhotoSwipe, fetched when it is first needed.
import { pictureUrl } from "../api/pictures";
import type { Shown } from "./picture";

export interface LightboxPicture extends Shown {
  alt: string;
}

export async function openLightbox(pictures: LightboxPicture[], index: number): Promise<void> {
  const [{ default: PhotoSwipe }] = await Promise.all([import("photoswipe"), import("./lightbox.css")]);
  const viewer = new PhotoSwipe({
    dataSource: pictures.map((picture) => {
      // Pictures of few pixels are shown at a multiple of their size.
      const scale = Math.max(1, Math.ceil(640 / (picture.width || 640)));
      return {
        src: pictureUrl(picture.name, picture.blob),
        width: (picture.width || 512) * scale,
        height: (picture.height || 512) * scale,
        alt: picture.alt,
      };
    }),
    index,
    bgOpacity: 0.94,
    showHideAnimationType: "fade",
    wheelToZoom: true,
    returnFocus: true,
    trapFocus: true,
  });
  viewer.init();
}
