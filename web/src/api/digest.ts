// SHA-256 of files. Browsers offer it on https:// and on localhost.
import { toHex } from "./clients";

export async function sha256(data: Blob): Promise<string> {
  if (!crypto.subtle) throw new Error("This page must be opened through https:// or on localhost.");
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", await data.arrayBuffer())));
}
