#include "common/formats/safetensors_header.h"

#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vico {
namespace {

// Larger numbers are not exact in readers that parse numbers as doubles.
constexpr uint64_t kLargestNumber = uint64_t{1} << 53;
constexpr size_t kMaxRank = 8;

std::optional<DType> DTypeFromName(std::string_view name) {
  for (int i = 0; i < kDTypes; ++i) {
    if (DTypeName(static_cast<DType>(i)) == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

/// The product of the shape and the size of the dtype; nullopt if it overflows 64 bits.
std::optional<uint64_t> ByteCount(const TensorInfo& tensor) {
  uint64_t bytes = DTypeSize(tensor.dtype);
  for (const int64_t size : tensor.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) return std::nullopt;
  }
  return bytes;
}

/// Receives the parser's events. `place_` is the object or list that the parser is in.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader Take() && { return std::move(header_); }
  const std::string& error() const { return error_; }

  bool null() override {
    // Some programs write null for "none".
    const bool metadata = place_ == Place::kFile && key_ == "__metadata__";
    return metadata || place_ == Place::kMetadata || Unexpected("null");
  }
  bool boolean(bool) override { return Unexpected("a boolean"); }
  bool number_integer(number_integer_t) override { return Unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return Unexpected("a number that is not a plain integer");
  }
  bool binary(binary_t&) override { return Unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::kShape && place_ != Place::kOffsets) return Unexpected("a number");
    if (value > kLargestNumber) return Fail("number above 2^53");
    if (place_ == Place::kShape) {
      if (tensor_.shape.size() == kMaxRank) return Fail("more than 8 dimensions");
      tensor_.shape.push_back(static_cast<int64_t>(value));
    } else {
      if (offsets_.size() == 2) return Fail("data_offsets: must be two numbers");
      offsets_.push_back(value);
    }
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::kMetadata) {
      header_.metadata.emplace(key_, value);
      return true;
    }
    if (place_ != Place::kTensor || key_ != "dtype") return Unexpected("a string");
    const auto dtype = DTypeFromName(value);
    if (!dtype) return Fail(fmt::format("unknown dtype \"{}\"", value.substr(0, 16)));
    tensor_.dtype = *dtype;
    return true;
  }

  bool start_object(size_t) override {
    if (place_ == Place::kStart) {
      place_ = Place::kFile;
    } else if (place_ == Place::kFile) {
      keys_.clear();
      place_ = key_ == "__metadata__" ? Place::kMetadata : Place::kTensor;
      tensor_ = TensorInfo{};
      tensor_.name = key_;
      offsets_.clear();
    } else {
      return Unexpected("an object");
    }
    return true;
  }

  bool key(string_t& key) override {
    if (place_ == Place::kFile) {
      tensor_.name.clear();
      if (!names_.insert(key).second) return Fail(fmt::format("duplicate key \"{}\"", key));
    } else {
      if (!keys_.insert(key).second) return Fail(fmt::format("duplicate key \"{}\"", key));
      if (place_ == Place::kTensor && key != "dtype" && key != "shape" && key != "data_offsets") {
        return Fail(fmt::format("unknown key \"{}\"", key.substr(0, 64)));
      }
    }
    key_ = key;
    return true;
  }

  bool end_object() override {
    if (place_ == Place::kFile) {
      place_ = Place::kEnd;
      return true;
    }
    if (place_ == Place::kTensor && !EndTensor()) return false;
    place_ = Place::kFile;
    return true;
  }

  bool start_array(size_t) override {
    if (place_ != Place::kTensor || key_ == "dtype") return Unexpected("a list");
    place_ = key_ == "shape" ? Place::kShape : Place::kOffsets;
    return true;
  }

  bool end_array() override {
    place_ = Place::kTensor;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    return Fail(fmt::format("header is not valid JSON at byte {}", position));
  }

 private:
  enum class Place { kStart, kFile, kMetadata, kTensor, kShape, kOffsets, kEnd };

  bool EndTensor() {
    if (keys_.size() != 3) return Fail("dtype, shape and data_offsets are required");
    if (offsets_.size() != 2) return Fail("data_offsets: must be two numbers");
    tensor_.begin = offsets_[0];
    tensor_.end = offsets_[1];
    const auto bytes = ByteCount(tensor_);
    if (!bytes) return Fail("shape: too large");
    if (tensor_.begin > tensor_.end || tensor_.end - tensor_.begin != *bytes) {
      return Fail(fmt::format("data_offsets [{}, {}] do not fit {} {}, which takes {} bytes",
                              tensor_.begin, tensor_.end, DTypeName(tensor_.dtype),
                              ShapeText(tensor_.shape), *bytes));
    }
    header_.tensors.push_back(std::move(tensor_));
    tensor_ = TensorInfo{};
    return true;
  }

  bool Unexpected(std::string_view what) {
    return Fail(fmt::format("{} where the format has none", what));
  }

  bool Fail(std::string_view what) {
    if (error_.empty()) {
      const bool inside = place_ != Place::kStart && place_ != Place::kFile &&
                          place_ != Place::kMetadata && !tensor_.name.empty();
      error_ = inside ? fmt::format("tensor \"{}\": {}", tensor_.name.substr(0, 200), what)
                      : std::string(what);
    }
    return false;
  }

  Place place_ = Place::kStart;
  std::string key_;
  std::set<std::string> names_;  // keys of the outer object
  std::set<std::string> keys_;   // keys of the current inner object
  TensorInfo tensor_;            // the name is empty outside a tensor
  std::vector<uint64_t> offsets_;
  SafetensorsHeader header_;
  std::string error_;
};

}  // namespace

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::string_view json) {
  if (json.empty() || json.front() != '{') {
    return absl::InvalidArgumentError("header does not start with {");
  }
  // nlohmann's lexer takes a NUL byte for the end of the text.
  if (json.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("header holds a NUL byte");
  }
  HeaderReader reader;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) {
    return absl::InvalidArgumentError(reader.error());
  }
  return std::move(reader).Take();
}

}  // namespace vico
