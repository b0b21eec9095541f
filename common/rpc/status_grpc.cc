#include "common/rpc/status_grpc.h"

#include "common/status.h"
#include "google/rpc/status.pb.h"

namespace vico {
namespace {

const char* SentenceOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::CANCELLED:
      return "the call was cancelled";
    case grpc::StatusCode::INVALID_ARGUMENT:
      return "the request is wrong";
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return "the time for the call is over";
    case grpc::StatusCode::NOT_FOUND:
      return "there is no such thing";
    case grpc::StatusCode::PERMISSION_DENIED:
      return "the caller may not do this";
    case grpc::StatusCode::UNAUTHENTICATED:
      return "the call has no valid credential";
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return "a limit is reached";
    case grpc::StatusCode::UNIMPLEMENTED:
      return "unknown method";
    case grpc::StatusCode::UNAVAILABLE:
      return "the connection is lost";
    default:
      return "no reason is given";
  }
}

/// A proxy whose server dies in the middle of an answer resets the stream or ends it, which gRPC
/// reports as INTERNAL or UNKNOWN in words of its own. Vico's own errors have details.
bool IsCutOff(const google::rpc::Status& status) {
  const bool of_grpc = status.code() == static_cast<int>(grpc::StatusCode::INTERNAL) ||
                       status.code() == static_cast<int>(grpc::StatusCode::UNKNOWN);
  const auto says = [&](const char* words) {
    return status.message().find(words) != std::string::npos;
  };
  return of_grpc && status.details().empty() && (says("RST_STREAM") || says("Stream removed"));
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status proto = ToProto(status);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), proto.message(),
                      proto.details().empty() ? "" : proto.SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status proto;
  if (!proto.ParseFromString(status.error_details()) ||
      proto.code() != static_cast<int>(status.error_code())) {
    proto.Clear();
  }
  proto.set_code(static_cast<int>(status.error_code()));
  proto.set_message(status.error_message().empty() ? SentenceOf(status.error_code())
                                                   : status.error_message());
  if (IsCutOff(proto)) proto.set_code(static_cast<int>(grpc::StatusCode::UNAVAILABLE));
  return FromProto(proto);
}

}  // namespace vico
