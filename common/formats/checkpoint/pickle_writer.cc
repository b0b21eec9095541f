#include "common/formats/checkpoint/pickle_writer.h"

#include <limits>

#include "common/formats/little_endian.h"

namespace vico {

void PickleWriter::Int(int64_t value) {
  if (value >= 0 && value <= 0xFF) {
    bytes_ += 'K';
    bytes_ += static_cast<char>(value);
  } else if (value >= std::numeric_limits<int32_t>::min() &&
             value <= std::numeric_limits<int32_t>::max()) {
    bytes_ += 'J';
    AppendLittleEndian(static_cast<int32_t>(value), bytes_);
  } else {
    bytes_ += "\x8a\x08";
    AppendLittleEndian(value, bytes_);
  }
}

void PickleWriter::String(std::string_view text) {
  bytes_ += 'X';
  AppendLittleEndian(static_cast<uint32_t>(text.size()), bytes_);
  bytes_ += text;
}

void PickleWriter::Global(std::string_view module, std::string_view name) {
  bytes_ += 'c';
  bytes_ += module;
  bytes_ += '\n';
  bytes_ += name;
  bytes_ += '\n';
}

void PickleWriter::EmptyOrderedDict() {
  Global("collections", "OrderedDict");
  EmptyTuple();
  Reduce();
}

}  // namespace vico
