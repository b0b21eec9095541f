// Adapter files: to the disk and back.
import { create } from "@bufbuild/protobuf";
import { type Adapter, AdapterSchema, ImportAdapterRequestSchema } from "../gen/vico/v1/adapter_pb";
import { adapterService, requestId, streamTimeoutMs } from "./clients";
import { sha256 } from "./digest";
import { frame, piecesOf, upload } from "./upload";

/** The bytes of an adapter's file, checked against their digest. */
export async function downloadAdapter(adapter: Adapter, onProgress: (share: number) => void): Promise<Blob> {
  const parts: BlobPart[] = [];
  let received = 0;
  const total = Number(adapter.blob?.sizeBytes ?? 0n);
  for await (const message of adapterService.downloadAdapter({ name: adapter.name }, { timeoutMs: streamTimeoutMs })) {
    parts.push(message.data as Uint8Array<ArrayBuffer>);
    received += message.data.length;
    onProgress(total ? received / total : 0);
  }
  const file = new Blob(parts, { type: "application/octet-stream" });
  if ((await sha256(file)) !== adapter.blob?.sha256) throw new Error("The file arrived damaged. Please try again.");
  return file;
}

export async function importAdapter(
  baseModel: string,
  file: File,
  reference: File,
  onProgress: (share: number) => void,
): Promise<Adapter> {
  const header = create(ImportAdapterRequestSchema, {
    part: {
      case: "header",
      value: {
        requestId: requestId(),
        baseModel,
        sizeBytes: BigInt(file.size),
        sha256: await sha256(file),
        referenceSizeBytes: BigInt(reference.size),
        referenceSha256: await sha256(reference),
      },
    },
  });
  const parts = frame(ImportAdapterRequestSchema, header);
  for (const [source, isReference] of [
    [file, false],
    [reference, true],
  ] as const) {
    for await (const data of piecesOf(source)) {
      const value = { reference: isReference, data };
      parts.push(
        ...frame(ImportAdapterRequestSchema, create(ImportAdapterRequestSchema, { part: { case: "chunk", value } })),
      );
    }
  }
  return upload("vico.v1.AdapterService/ImportAdapter", parts, AdapterSchema, onProgress);
}

/** Gives a file to the browser's downloads. */
export function saveFile(data: Blob, name: string): void {
  const url = URL.createObjectURL(data);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
