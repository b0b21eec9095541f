// Protobuf messages as inputs of fuzz targets.
#pragma once

#include <string>
#include <string_view>

#include <google/protobuf/message.h>

namespace vico::fuzz {

/// An empty message if the bytes cannot be parsed.
template <class Message>
Message Parsed(std::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) message.Clear();
  return message;
}

/// `kind` selects the message type in the target.
inline std::string Seed(char kind, const google::protobuf::Message& message) {
  return kind + message.SerializeAsString();
}

}  // namespace vico::fuzz
