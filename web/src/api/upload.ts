// Calls whose requests are a stream. fetch cannot send them piece by piece, so the messages are framed here and sent as
// one body, which the browser reads from disk. XMLHttpRequest tells how much of it has left.
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { StatusSchema } from "../gen/google/rpc/status_pb";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";
import { CallError, type Violation } from "./errors";
import { anyUnpack } from "@bufbuild/protobuf/wkt";

const chunkBytes = 1 << 20;

/** The bytes of a file in pieces of at most `chunkBytes`. */
export async function* piecesOf(file: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < file.size; at += chunkBytes)
    yield new Uint8Array(await file.slice(at, at + chunkBytes).arrayBuffer());
}

/** The frame of a message of a stream. */
export function frame<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): BlobPart[] {
  const data = toBinary(schema, message as Message as MessageShape<Desc>);
  const head = new DataView(new ArrayBuffer(5));
  head.setUint32(1, data.length);
  return [head.buffer, data as Uint8Array<ArrayBuffer>];
}

/** Calls a method with the framed messages of `parts`. `onProgress` gets the share that was sent, 0..1. */
export async function upload<Desc extends DescMessage>(
  method: string,
  parts: BlobPart[],
  answer: Desc,
  onProgress: (share: number) => void = () => {},
  signal?: AbortSignal,
): Promise<MessageShape<Desc>> {
  const bytes = await post(`/upload?method=${encodeURIComponent(method)}`, new Blob(parts), onProgress, signal);
  let message: MessageShape<Desc> | undefined;
  let trailers: Map<string, string> | undefined;
  for (let at = 0; at + 5 <= bytes.length;) {
    const size = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(1);
    const data = bytes.subarray(at + 5, at + 5 + size);
    if (bytes[at] & 0x80) trailers = readTrailers(new TextDecoder().decode(data));
    else message = fromBinary(answer, data);
    at += 5 + size;
  }
  if (trailers === undefined) throw new CallError("The answer is incomplete.", Code.Unavailable, "", []);
  const code = Number(trailers.get("grpc-status"));
  if (code !== 0 || message === undefined) throw errorOf(code, trailers);
  return message;
}

function post(url: string, body: Blob, onProgress: (share: number) => void, signal?: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("content-type", "application/grpc-web+proto");
    request.responseType = "arraybuffer";
    request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status === 200) resolve(new Uint8Array(request.response as ArrayBuffer));
      else reject(new ConnectError(new TextDecoder().decode(request.response as ArrayBuffer), codeOf(request.status)));
    };
    request.onerror = () => reject(new ConnectError("", Code.Unavailable));
    request.onabort = () => reject(new ConnectError("The upload was stopped.", Code.Canceled));
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

function codeOf(status: number): Code {
  if (status === 413) return Code.InvalidArgument;
  return status === 408 || status >= 502 ? Code.Unavailable : Code.Internal;
}

function readTrailers(text: string): Map<string, string> {
  const lines = text.split("\r\n").filter((line) => line.includes(":"));
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

function errorOf(code: number, trailers: Map<string, string>): CallError {
  const message = decodeURIComponent(trailers.get("grpc-message") ?? "") || "The upload failed.";
  const violations: Violation[] = [];
  let reason = "";
  const details = trailers.get("grpc-status-details-bin");
  if (details) {
    const bytes = Uint8Array.from(atob(details), (letter) => letter.charCodeAt(0));
    for (const detail of fromBinary(StatusSchema, bytes).details) {
      for (const violation of anyUnpack(detail, BadRequestSchema)?.fieldViolations ?? [])
        violations.push({ field: violation.field, text: violation.description });
      reason ||= anyUnpack(detail, ErrorInfoSchema)?.reason ?? "";
    }
  }
  const text = code === Code.Unavailable ? "The server cannot be reached." : message;
  return new CallError(text, code, reason, violations);
}
