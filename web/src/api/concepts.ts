// Uploads a concept: first the digests, then the pictures that the server does not have.
import { create } from "@bufbuild/protobuf";
import {
  type Concept,
  UploadConceptRequestSchema,
  UploadConceptResponseSchema,
  type UploadConceptResponse,
} from "../gen/vico/v1/concept_pb";
import { requestId } from "./clients";
import { frame, piecesOf, upload } from "./upload";

const method = "vico.v1.ConceptService/UploadConcept";

export interface PictureFile {
  file: File;
  sha256: string;
}

export async function uploadConcept(
  displayName: string,
  pictures: PictureFile[],
  onProgress: (share: number) => void,
  signal?: AbortSignal,
): Promise<Concept> {
  const header = create(UploadConceptRequestSchema, {
    part: {
      case: "header",
      value: {
        requestId: requestId(),
        displayName,
        pictures: pictures.map(({ file, sha256 }) => ({ sha256, sizeBytes: BigInt(file.size), fileName: file.name })),
      },
    },
  });
  const send = (parts: BlobPart[]): Promise<UploadConceptResponse> =>
    upload(method, parts, UploadConceptResponseSchema, onProgress, signal);
  const first = await send(frame(UploadConceptRequestSchema, header));
  if (first.uploadedConcept) return first.uploadedConcept;
  const missing = new Set(first.missingSha256);
  const parts = frame(UploadConceptRequestSchema, header);
  for (const [pictureIndex, { file, sha256 }] of pictures.entries()) {
    if (!missing.delete(sha256)) continue;
    for await (const data of piecesOf(file)) {
      const chunk = create(UploadConceptRequestSchema, { part: { case: "chunk", value: { pictureIndex, data } } });
      parts.push(...frame(UploadConceptRequestSchema, chunk));
    }
  }
  const second = await send(parts);
  if (!second.uploadedConcept) throw new Error("The server asks for pictures that it was sent.");
  return second.uploadedConcept;
}
