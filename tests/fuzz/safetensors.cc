// safetensors files. An accepted file must follow the format and stay the same when written and
// read again.
#include "common/formats/safetensors.h"

#include <fmt/format.h>

#include "tests/fuzz/fuzz_target.h"

namespace vico::fuzz {
namespace {

std::string File(const std::string& header, size_t data_bytes) {
  std::string file;
  for (size_t i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> 8 * i & 0xff);
  return file + header + std::string(data_bytes, '\x11');
}

std::string Tensor(const char* dtype, const char* shape, size_t begin, size_t end) {
  return fmt::format(R"({{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", dtype, shape, begin,
                     end);
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {
      File("{}", 0),
      File(R"({"a":)" + Tensor("F32", "[2,3]", 0, 24) + R"(,"b":)" + Tensor("F16", "[4]", 24, 32) +
               R"(,"__metadata__":{"format":"pt","word":"S* \u00e9\ud83d\ude00"}})",
           32),
      File(R"({"z":)" + Tensor("I64", "[]", 0, 8) + R"(,"e":)" + Tensor("U8", "[0,5]", 8, 8) + "}",
           8),
      File(R"({"a":)" + Tensor("F32", "[1]", 0, 4) + R"(,"a":)" + Tensor("F32", "[1]", 4, 8) + "}",
           8),
      File(R"({"overlap":)" + Tensor("F32", "[2]", 0, 8) + R"(,"b":)" + Tensor("F32", "[1]", 4, 8) +
               "}",
           8),
      File(R"({"hole":)" + Tensor("F32", "[1]", 4, 8) + "}", 8),
      File(R"({"wrap":)" + Tensor("F64", "[2305843009213693952,8]", 0, 0) + "}", 0),
      File(R"({"wrap":)" + Tensor("F32", "[4294967296,4294967296]", 0, 0) + "}", 0),
      File(R"({"float":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4e0]}})", 4),
      File(R"({"deep":[[[[[[[[[[]]]]]]]]]]})", 0),
      File(R"({"__metadata__":{"a":1}})", 0),
      File(R"({"t":)" + Tensor("F99", "[1]", 0, 4) + "}", 4),
      File("{\"bad \xff utf8\":" + Tensor("F32", "[1]", 0, 4) + "}", 4),
      File(R"(   {"a":null})", 0),
      File("{}", 1)};
  for (const char* dtype : {"BOOL", "I8", "I16", "U16", "I32", "U32", "BF16", "F64", "U64"}) {
    seeds.push_back(File(R"({"a":)" + Tensor(dtype, "[8]", 0, 8) + "}", 8));
    seeds.push_back(File(R"({"a":)" + Tensor(dtype, "[2,2]", 0, 32) + "}", 32));
  }
  std::string wrong = File("{}", 0);
  wrong[7] = '\x7f';
  seeds.push_back(wrong);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = SafetensorsFile::FromBytes(std::string(AsText(data, size)), "file");
  if (!file.ok()) return 0;
  std::vector<TensorView> tensors;
  uint64_t sum = 0;
  for (const TensorInfo& tensor : file->tensors()) {
    for (const std::byte byte : file->bytes(tensor)) sum += static_cast<uint64_t>(byte);
    MustHold(file->Find(tensor.name) != nullptr, "a tensor is found by its name");
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape, file->bytes(tensor)});
  }
  MustHold(sum <= size * 255, "tensors do not overlap");
  const auto bytes = SerializeSafetensors(tensors, file->metadata());
  MustHold(bytes.ok(), "a file that was read can be written");
  const auto again = SafetensorsFile::FromBytes(*bytes, "again");
  MustHold(again.ok(), "a written file can be read");
  MustHold(again->metadata() == file->metadata(), "metadata are the same after a round trip");
  MustHold(again->tensors().size() == file->tensors().size(),
           "tensors are the same after a round trip");
  return 0;
}

}  // namespace vico::fuzz
