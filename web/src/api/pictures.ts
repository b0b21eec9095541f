// Addresses of pictures, for <img>. They are immutable: the digest is part of them.
import type { BlobRef } from "../gen/vico/v1/job_pb";

/** The picture `name` whose stored bytes have the digest of `blob`; `side` asks for a thumbnail. */
export function pictureUrl(name: string, blob: BlobRef | undefined, side = 0): string {
  if (!name || !blob) return "";
  const query = new URLSearchParams({ name });
  if (side) query.set("side", String(side));
  return `/blob/${blob.sha256}?${query}`;
}
