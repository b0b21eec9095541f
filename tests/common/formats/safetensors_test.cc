#include "common/formats/safetensors.h"

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace vico {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A file with this header, unpadded, and `data_bytes` zero bytes of data.
std::string FileWith(const std::string& header, size_t data_bytes) {
  std::string file(8, '\0');
  for (size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i));
  return file + header + std::string(data_bytes, '\0');
}

absl::Status Read(std::string bytes, uint64_t limit = kAdapterHeaderLimit) {
  return SafetensorsFile::FromBytes(std::move(bytes), "upload", limit).status();
}

template <size_t n>
std::span<const std::byte> BytesOf(const std::array<float, n>& values) {
  return std::as_bytes(std::span(values));
}

class SafetensorsOnDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "/safetensors.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

TEST_F(SafetensorsOnDisk, ReadsWhatWasWritten) {
  const std::array<float, 6> values = {1, 2, 3, 4, 5, -0.5f};
  const std::array<std::byte, 3> flags = {std::byte{1}, std::byte{0}, std::byte{1}};
  const std::vector<TensorView> tensors = {{"mask", DType::kBool, {3}, flags},
                                           {"w", DType::kF32, {2, 3}, BytesOf(values)},
                                           {"empty", DType::kF16, {0, 7}, {}},
                                           {"scalar", DType::kF32, {}, BytesOf(values).first(4)}};
  const std::string path = folder_ + "/a.safetensors";
  ASSERT_THAT(WriteSafetensors(path, tensors, {{"format", "x \"quoted\""}}), IsOk());

  const auto file = SafetensorsFile::Open(path);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->metadata().at("format"), "x \"quoted\"");
  ASSERT_EQ(file->tensors().size(), 4u);
  EXPECT_EQ(file->tensors()[0].name, "empty");
  const TensorInfo* w = file->Find("w");
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->dtype, DType::kF32);
  EXPECT_THAT(w->shape, ElementsAre(2, 3));
  EXPECT_EQ(std::memcmp(file->bytes(*w).data(), values.data(), sizeof(values)), 0);
  EXPECT_EQ(file->Find("mask")->begin % 4, 0u);
  EXPECT_EQ(file->Find("v"), nullptr);

  const auto bytes = SerializeSafetensors(tensors, {{"format", "x \"quoted\""}});
  ASSERT_THAT(bytes, IsOk());
  std::ifstream stream(path, std::ios::binary);
  EXPECT_EQ(*bytes, std::string(std::istreambuf_iterator<char>(stream), {}));
}

TEST_F(SafetensorsOnDisk, ReplacesAFileAndLeavesNoOther) {
  const std::array<float, 1> value = {1};
  const std::vector<TensorView> tensors = {{"w", DType::kF32, {1}, BytesOf(value)}};
  const std::string path = folder_ + "/a.safetensors";
  ASSERT_THAT(WriteSafetensors(path, tensors, {}), IsOk());
  ASSERT_THAT(WriteSafetensors(path, tensors, {{"second", "yes"}}), IsOk());
  EXPECT_EQ(SafetensorsFile::Open(path)->metadata().count("second"), 1u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
  EXPECT_FALSE(WriteSafetensors(folder_ + "/none/a", tensors, {}).ok());
}

TEST_F(SafetensorsOnDisk, MissingFilesAndFoldersAreNamed) {
  EXPECT_THAT(SafetensorsFile::Open(folder_ + "/none"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(SafetensorsFile::Open(folder_).status(), HasCode(absl::StatusCode::kInvalidArgument));
  std::ofstream(folder_ + "/zero").close();
  EXPECT_THAT(SafetensorsFile::Open(folder_ + "/zero").status(),
              HasMessage(HasSubstr(folder_ + "/zero")));
}

TEST(Safetensors, TheOrderOfTensorsDoesNotChangeTheBytes) {
  const std::array<float, 2> values = {1, 2};
  const TensorView a{"a", DType::kF32, {2}, BytesOf(values)};
  const TensorView b{"b", DType::kF16, {4}, BytesOf(values)};
  EXPECT_EQ(*SerializeSafetensors(std::vector{a, b}, {}),
            *SerializeSafetensors(std::vector{b, a}, {}));
}

TEST(Safetensors, TheWriterRefusesInvalidTensors) {
  const std::array<float, 2> values = {1, 2};
  const TensorView good{"a", DType::kF32, {2}, BytesOf(values)};
  TensorView reserved = good, short_one = good, not_utf8 = good;
  reserved.name = "__metadata__";
  short_one.shape = {3};
  not_utf8.name = "\xff";
  EXPECT_FALSE(SerializeSafetensors(std::vector{good, good}, {}).ok());
  EXPECT_FALSE(SerializeSafetensors(std::vector{reserved}, {}).ok());
  EXPECT_FALSE(SerializeSafetensors(std::vector{short_one}, {}).ok());
  EXPECT_FALSE(SerializeSafetensors(std::vector{not_utf8}, {}).ok());
  EXPECT_FALSE(SerializeSafetensors(std::vector{good}, {{"k", "\xc3("}}).ok());
}

TEST(Safetensors, AcceptsPaddingAndNoTensors) {
  EXPECT_THAT(Read(FileWith("{}", 0)), IsOk());
  EXPECT_THAT(Read(FileWith("{}      \n", 0)), IsOk());
  EXPECT_THAT(Read(FileWith(R"({"a":{"shape":[],"data_offsets":[0,2],"dtype":"BF16"}})", 2)),
              IsOk());
}

TEST(Safetensors, HeaderLimitIsInclusive) {
  const auto file = FileWith("{}" + std::string(98, ' '), 0);
  EXPECT_THAT(Read(file, 100), IsOk());
  EXPECT_THAT(Read(file, 99), HasMessage(HasSubstr("at most 99 allowed")));
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const std::array<float, 2> values = {1, 2};
  const std::vector<TensorView> tensors = {{"a", DType::kF32, {2}, BytesOf(values)}};
  const std::string whole = *SerializeSafetensors(tensors, {{"format", "x"}});
  ASSERT_THAT(Read(whole), IsOk());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(Read(whole.substr(0, size)), HasCode(absl::StatusCode::kInvalidArgument)) << size;
  }
}

// A changed file that the reader accepts must be safe to read; the sanitizers check this.
TEST(Safetensors, AFileWithAChangedByteIsRefusedOrReadable) {
  const std::array<float, 2> values = {1, 2};
  const std::vector<TensorView> tensors = {{"a", DType::kF32, {2}, BytesOf(values)},
                                           {"b", DType::kU8, {}, BytesOf(values).first(1)}};
  const std::string whole = *SerializeSafetensors(tensors, {{"format", "x"}});
  int accepted = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int change : {1, 2, 4, 8, 16, 32, 64, 128}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ change);
      const auto file = SafetensorsFile::FromBytes(changed, "upload");
      if (!file.ok()) continue;
      ++accepted;
      for (const auto& tensor : file->tensors()) {
        const auto bytes = file->bytes(tensor);
        const std::string copy(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        EXPECT_EQ(copy.size(), tensor.end - tensor.begin);
      }
    }
  }
  EXPECT_GT(accepted, 9 * 8);  // at least the changes to the data
}

struct HostileCase {
  const char* name;
  std::string bytes;
  const char* message;
};
void PrintTo(const HostileCase& item, std::ostream* out) { *out << item.name; }

class HostileSafetensors : public ::testing::TestWithParam<HostileCase> {};

TEST_P(HostileSafetensors, IsRefusedByName) {
  const auto status = Read(GetParam().bytes);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(status, HasMessage(HasSubstr("upload: ")));
  EXPECT_THAT(status, HasMessage(HasSubstr(GetParam().message)));
}

std::string OneTensor(const std::string& body, size_t data_bytes) {
  return FileWith(R"({"a":{)" + body + "}}", data_bytes);
}

std::string Metadata(int entries) {
  std::string json = R"({"__metadata__":{)";
  for (int i = 0; i < entries; ++i) {
    json += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
  }
  return json + "}}";
}

TEST(Safetensors, MetadataAreLimitedByTheirBytesOnly) {
  for (const int entries : {0, 64, 80, 5000}) {
    EXPECT_THAT(Read(FileWith(Metadata(entries), 0)), IsOk()) << entries;
  }
  EXPECT_THAT(Read(FileWith(Metadata(200000), 0)), HasMessage(HasSubstr("at most 1048576")));
}

TEST(Safetensors, NullStandsForNoMetadata) {
  for (const char* header :
       {R"({"__metadata__":null})", R"({"__metadata__":{"a":null,"b":"c"}})",
        R"({"__metadata__":null,"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})"}) {
    const bool tensor = std::string(header).find("dtype") != std::string::npos;
    EXPECT_THAT(Read(FileWith(header, tensor ? 1 : 0)), IsOk()) << header;
  }
}

TEST(Safetensors, EveryTypeOfWholeBytesIsRead) {
  for (const auto& [name, size] : std::map<std::string, size_t>{{"F8_E4M3", 1},
                                                                {"F8_E5M2", 1},
                                                                {"F8_E8M0", 1},
                                                                {"C64", 8},
                                                                {"U16", 2},
                                                                {"U32", 4},
                                                                {"U64", 8},
                                                                {"I8", 1},
                                                                {"BOOL", 1},
                                                                {"BF16", 2},
                                                                {"F64", 8}}) {
    const auto file = SafetensorsFile::FromBytes(
        OneTensor(fmt::format(R"("dtype":"{}","shape":[3],"data_offsets":[0,{}])", name, 3 * size),
                  3 * size),
        "upload");
    ASSERT_THAT(file, IsOk()) << name;
    EXPECT_EQ(DTypeName(file->tensors()[0].dtype), name);
    EXPECT_EQ(DTypeSize(file->tensors()[0].dtype), size);
  }
}

std::vector<HostileCase> HostileCases() {
  const std::string f32 = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  const auto two = [](const char* second, size_t bytes) {
    return FileWith(
        R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":)" + std::string(second) + "}",
        bytes);
  };
  return {
      {"Empty", "", "too short"},
      {"SevenBytes", std::string(7, '\0'), "too short"},
      {"LengthBeyondFile", std::string("\x40\0\0\0\0\0\0\0{}", 10), "beyond the file"},
      {"LengthOverLimit", std::string("\x01\0\x10\0\0\0\0\0{}", 10), "at most 1048576"},
      {"LengthOverflows", std::string(8, '\xff') + "{}", "at most"},
      {"NoHeader", FileWith("", 0), "does not start with {"},
      {"LeadingSpace", FileWith(" {}", 0), "does not start with {"},
      {"List", FileWith("[]", 0), "does not start with {"},
      {"NotJson", FileWith("{\"a\"}", 0), "not valid JSON"},
      {"Unfinished", FileWith("{\"a\":{", 0), "not valid JSON"},
      {"SecondValue", FileWith("{}{}", 0), "not valid JSON"},
      {"Comment", FileWith("{}/**/", 0), "not valid JSON"},
      {"NotUtf8", FileWith("{\"\xff\":{}}", 0), "not valid JSON"},
      {"LoneSurrogate", FileWith(R"({"\ud800":{}})", 0), "not valid JSON"},
      {"NulAfterTheEnd", FileWith(std::string("{}\0garbage", 10), 0), "NUL"},
      {"TensorTwice", FileWith("{\"a\":{" + f32 + "},\"a\":{" + f32 + "}}", 4),
       "duplicate key \"a\""},
      {"EscapedTwice", FileWith("{\"a\":{" + f32 + "},\"\\u0061\":{" + f32 + "}}", 4),
       "duplicate key \"a\""},
      {"DtypeTwice", OneTensor(f32 + R"(,"dtype":"F32")", 4), "duplicate key \"dtype\""},
      {"MetadataTwice", FileWith(R"({"__metadata__":{},"__metadata__":{}})", 0), "duplicate key"},
      {"MetadataKeyTwice", FileWith(R"({"__metadata__":{"a":"","a":""}})", 0), "duplicate key"},
      {"MetadataNotStrings", FileWith(R"({"__metadata__":{"a":1}})", 0), "a number where"},
      {"MetadataNested", FileWith(R"({"__metadata__":{"a":{}}})", 0), "an object where"},
      {"MetadataIsList", FileWith(R"({"__metadata__":[]})", 0), "a list where"},
      {"TensorIsNumber", FileWith(R"({"a":1})", 0), "a number where"},
      {"TensorIsNull", FileWith(R"({"a":null})", 0), "null where"},
      {"UnknownKey", OneTensor(f32 + R"(,"strides":[1])", 4), "unknown key \"strides\""},
      {"MissingShape", OneTensor(R"("dtype":"F32","data_offsets":[0,4])", 4), "are required"},
      {"EmptyTensorObject", FileWith(R"({"a":{}})", 0), "tensor \"a\": dtype, shape"},
      {"UnknownDtype", OneTensor(R"("dtype":"F8","shape":[4],"data_offsets":[0,4])", 4),
       "unknown dtype"},
      {"NegativeSize", OneTensor(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])", 4),
       "negative number"},
      {"FloatSize", OneTensor(R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])", 4),
       "not a plain integer"},
      {"Exponent", OneTensor(R"("dtype":"F32","shape":[1e0],"data_offsets":[0,4])", 4),
       "not a plain integer"},
      {"Above2To53",
       OneTensor(R"("dtype":"U8","shape":[9007199254740993],"data_offsets":[0,4])", 4),
       "above 2^53"},
      {"Above2To64",
       OneTensor(R"("dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4])", 4),
       "not a plain integer"},
      {"BooleanSize", OneTensor(R"("dtype":"F32","shape":[true],"data_offsets":[0,4])", 4),
       "a boolean"},
      {"NestedShape", OneTensor(R"("dtype":"F32","shape":[[1]],"data_offsets":[0,4])", 4),
       "a list where"},
      {"NineDimensions",
       OneTensor(R"("dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1])", 1),
       "more than 8 dimensions"},
      {"ProductOverflowsToZero",
       OneTensor(R"("dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0])", 0),
       "too large"},
      {"ThreeOffsets", OneTensor(R"("dtype":"U8","shape":[4],"data_offsets":[0,4,4])", 4),
       "two numbers"},
      {"OneOffset", OneTensor(R"("dtype":"U8","shape":[4],"data_offsets":[4])", 4), "two numbers"},
      {"OffsetsReversed", OneTensor(R"("dtype":"U8","shape":[4],"data_offsets":[4,0])", 4),
       "do not fit"},
      {"RangeTooShort", OneTensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])", 4),
       "do not fit"},
      {"BeyondTheEnd", OneTensor(R"("dtype":"U8","shape":[4],"data_offsets":[0,4])", 3),
       "the file has 3 bytes of data: the download or copy did not finish"},
      {"TrailingByte", OneTensor(R"("dtype":"U8","shape":[4],"data_offsets":[0,4])", 5),
       "the file has 5 bytes"},
      {"HoleAtTheStart", OneTensor(R"("dtype":"U8","shape":[4],"data_offsets":[1,5])", 5),
       "hole after 0"},
      {"Hole", two(R"({"dtype":"U8","shape":[2],"data_offsets":[5,7]})", 7), "hole after 4"},
      {"Overlap", two(R"({"dtype":"U8","shape":[2],"data_offsets":[3,5]})", 5), "ends at 4"},
      {"SameRangeTwice", two(R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})", 4), "ends at 4"},
      {"DeepNesting", FileWith(std::string("{\"a\":") + std::string(100000, '['), 0),
       "a list where"},
  };
}

INSTANTIATE_TEST_SUITE_P(Table, HostileSafetensors, ::testing::ValuesIn(HostileCases()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace vico
