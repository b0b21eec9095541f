// Uploads a picture to start a drawing from, or a mask of one. The server keeps it for a while.
import { create } from "@bufbuild/protobuf";
import {
  type UploadedPicture,
  UploadPictureRequestSchema,
  UploadPictureResponseSchema,
} from "../gen/vico/v1/picture_pb";
import { requestId } from "./clients";
import { sha256 } from "./digest";
import { frame, piecesOf, upload } from "./upload";

/** Stores a PNG, JPEG or WebP file. `onProgress` gets the share that was sent, 0..1. */
export async function uploadPicture(
  file: Blob,
  fileName: string,
  onProgress: (share: number) => void = () => {},
): Promise<UploadedPicture> {
  const header = { requestId: requestId(), sha256: await sha256(file), sizeBytes: BigInt(file.size), fileName };
  const message = (part: { case: "header"; value: typeof header } | { case: "chunk"; value: { data: Uint8Array } }) =>
    frame(UploadPictureRequestSchema, create(UploadPictureRequestSchema, { part }));
  const parts = message({ case: "header", value: header });
  for await (const data of piecesOf(file)) parts.push(...message({ case: "chunk", value: { data } }));
  const answer = await upload("vico.v1.PictureService/UploadPicture", parts, UploadPictureResponseSchema, onProgress);
  if (!answer.uploadedPicture) throw new Error("The server has not said the name of the picture.");
  return answer.uploadedPicture;
}
