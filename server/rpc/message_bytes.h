// Messages as they came from the network. The calls that receive a stream parse each message
// themselves, since gRPC reports one that it cannot parse as the end of the stream.
#pragma once

#include <absl/status/status.h>
#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

namespace vico::server {

/// Parses one message. kInvalidArgument: with the path of a string that is not UTF-8, reason
/// INVALID_FIELD, or, when the bytes are no message of this type, reason INVALID_MESSAGE.
absl::Status ParseMessage(grpc::ByteBuffer& bytes, google::protobuf::Message& message);

grpc::ByteBuffer ToBytes(const google::protobuf::Message& message);

}  // namespace vico::server
