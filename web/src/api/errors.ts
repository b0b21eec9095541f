// Errors of calls as sentences, with the fields that they name.
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";

export interface Violation {
  field: string;
  text: string;
}

export class CallError extends Error {
  constructor(
    message: string,
    readonly code: Code,
    readonly reason: string,
    readonly violations: Violation[],
  ) {
    super(message);
  }
}

/** The error of a call, whatever was thrown. */
export function toCallError(thrown: unknown): CallError {
  if (thrown instanceof CallError) return thrown;
  const error = ConnectError.from(thrown);
  const violations = error
    .findDetails(BadRequestSchema)
    .flatMap((detail) => detail.fieldViolations)
    .map((violation) => ({ field: violation.field, text: violation.description }));
  const reason = error.findDetails(ErrorInfoSchema)[0]?.reason ?? "";
  return new CallError(sentence(error), error.code, reason, violations);
}

function sentence(error: ConnectError): string {
  if (error.code === Code.Unavailable || isNetworkError(error))
    return "The server cannot be reached. It is tried again.";
  if (error.code === Code.DeadlineExceeded) return "The server did not answer in time.";
  return error.rawMessage || `The call failed (${Code[error.code]}).`;
}

function isNetworkError(error: ConnectError): boolean {
  return error.code === Code.Unknown && error.cause instanceof TypeError;
}

export function isTransient(error: CallError): boolean {
  return [Code.Unavailable, Code.DeadlineExceeded, Code.Unknown, Code.Internal, Code.ResourceExhausted].includes(
    error.code,
  );
}
