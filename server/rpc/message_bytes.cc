#include "server/rpc/message_bytes.h"

#include <string>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/slice.h>

#include "common/status.h"
#include "common/text/utf8.h"

namespace vico::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

constexpr int kMaxDepth = 100;  // of messages in messages, as Protobuf's

/// Finds a string that is not UTF-8 and returns its path; empty if there is none.
std::string PathOfBadText(const Descriptor& type, const UnknownFieldSet& fields,
                          const std::string& prefix, int depth) {
  for (int i = 0; i < fields.field_count(); ++i) {
    const UnknownField& value = fields.field(i);
    const FieldDescriptor* field = type.FindFieldByNumber(value.number());
    if (field == nullptr || value.type() != UnknownField::TYPE_LENGTH_DELIMITED) continue;
    std::string path = prefix + field->name();
    if (field->type() == FieldDescriptor::TYPE_STRING && !IsUtf8(value.length_delimited())) {
      return path;
    }
    UnknownFieldSet inner;
    if (field->type() != FieldDescriptor::TYPE_MESSAGE || depth == kMaxDepth ||
        !inner.ParseFromString(value.length_delimited())) {
      continue;
    }
    std::string found = PathOfBadText(*field->message_type(), inner, path + ".", depth + 1);
    if (!found.empty()) return found;
  }
  return "";
}

std::string Joined(grpc::ByteBuffer& bytes) {
  std::string joined;
  grpc::Slice whole;
  if (bytes.DumpToSingleSlice(&whole).ok()) {
    joined.assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
  }
  return joined;
}

}  // namespace

absl::Status ParseMessage(grpc::ByteBuffer& bytes, google::protobuf::Message& message) {
  {
    grpc::ProtoBufferReader reader(&bytes);
    if (reader.status().ok() && message.ParseFromZeroCopyStream(&reader)) return absl::OkStatus();
  }
  UnknownFieldSet fields;
  if (fields.ParseFromString(Joined(bytes))) {
    const std::string path = PathOfBadText(*message.GetDescriptor(), fields, "", 0);
    if (!path.empty()) return FieldError(path, "must be UTF-8");
  }
  return Error(absl::StatusCode::kInvalidArgument,
               fmt::format("the message is no {}: it is cut short or damaged",
                           message.GetDescriptor()->full_name()),
               "INVALID_MESSAGE");
}

grpc::ByteBuffer ToBytes(const google::protobuf::Message& message) {
  const grpc::Slice whole(message.SerializeAsString());
  return {&whole, 1};
}

}  // namespace vico::server
