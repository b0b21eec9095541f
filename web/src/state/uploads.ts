// Pictures from the disk that a drawing starts from, and masks. The server deletes each after a while.
import { Code } from "@connectrpc/connect";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { signal } from "@preact/signals";
import type { CallError, Violation } from "../api/errors";
import type { GenerateSpec } from "../gen/vico/v1/job_pb";
import type { UploadedPicture } from "../gen/vico/v1/picture_pb";
import type { Shown } from "../parts/picture";

export interface Upload extends Shown {
  title: string; // its file name
  end: number; // milliseconds of this machine's clock: the server deletes it then
}

const uploads = signal<ReadonlyMap<string, Upload>>(new Map());

export const isUpload = (name: string): boolean => name.startsWith("pictures/");

/** The picture of this name if this page has uploaded it. */
export const uploadNamed = (name: string): Upload | undefined => uploads.value.get(name);

/** Remembers a picture that the server has stored just now, and returns its name. */
export function keepUpload(picture: UploadedPicture, title: string, now = Date.now()): string {
  const { name, blob, width, height, createTime, expireTime } = picture;
  // How long it is kept, since the clocks of server and browser may differ.
  const kept = createTime && expireTime ? timestampMs(expireTime) - timestampMs(createTime) : Infinity;
  uploads.value = new Map(uploads.peek()).set(name, { name, blob, width, height, title, end: now + kept });
  return name;
}

function forget(name: string): void {
  const rest = new Map(uploads.peek());
  if (rest.delete(name)) uploads.value = rest;
}

/** Whether this page has uploaded the picture and the server has not deleted it since. */
export const isKept = (name: string, now = Date.now()): boolean => (uploads.peek().get(name)?.end ?? 0) > now;

const gone = {
  init: "The server keeps an uploaded picture only for a while, and has deleted this one. Choose it again.",
  mask: "The server has deleted the painted part by now. Draw once more: it is sent again.",
  other: "This picture has been deleted. Choose another.",
};

/** What is wrong with the start picture of a drawing before the server is asked: it was kept long enough. */
export function expiredPicture(name: string, now = Date.now()): Violation | undefined {
  if (!uploads.peek().has(name) || isKept(name, now)) return undefined;
  forget(name);
  return { field: "generate.init_picture", text: gone.init };
}

/** The picture that a drawing names and the server does not have, in words for people. */
export function missingPicture(error: CallError, spec: GenerateSpec): Violation | undefined {
  const field = /^generate\.(init|mask)_picture(?=: )/.exec(error.message);
  if (error.code !== Code.NotFound || !field) return undefined;
  const which = field[1] as "init" | "mask";
  const name = which === "init" ? spec.initPicture : spec.maskPicture;
  forget(name);
  return { field: field[0], text: isUpload(name) ? gone[which] : gone.other };
}
