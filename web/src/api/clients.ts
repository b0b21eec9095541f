// The server's services, called through gRPC-Web at the origin of this page.
import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { AdapterService } from "../gen/vico/v1/adapter_pb";
import { ConceptService } from "../gen/vico/v1/concept_pb";
import { JobService } from "../gen/vico/v1/job_service_pb";
import { ModelService } from "../gen/vico/v1/model_pb";

const transport = createGrpcWebTransport({ baseUrl: location.origin, defaultTimeoutMs: 30_000 });

export const adapterService = createClient(AdapterService, transport);
export const conceptService = createClient(ConceptService, transport);
export const jobService = createClient(JobService, transport);
export const modelService = createClient(ModelService, transport);

/** Of a stream; the server ends a watch after an hour. */
export const streamTimeoutMs = 3_700_000;

/** Makes a creating call safe to repeat: 32 hexadecimal digits. */
export function requestId(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
