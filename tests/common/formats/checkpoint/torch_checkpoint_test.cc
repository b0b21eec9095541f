// Files written by PyTorch, compared with their content as recorded from PyTorch
// (tests/golden/checkpoints).
#include "common/formats/checkpoint/torch_checkpoint.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/formats/checkpoint/torch_checkpoint_write.h"
#include "tests/support/status_matchers.h"

namespace vico {
namespace {

using testing::HasSubstr;

const std::string kFolder = "tests/golden/checkpoints/";

bool Equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

/// Compares the tensors of the file with expected.safetensors, bit by bit. Returns their number.
int Compare(TorchCheckpoint& file, const std::map<std::string, CheckpointTensor>& tensors,
            const std::string& name) {
  const auto expected = SafetensorsFile::Open(kFolder + "expected.safetensors");
  EXPECT_THAT(expected, IsOk());
  int compared = 0;
  for (const TensorInfo& info : expected->tensors()) {
    if (!info.name.starts_with(name + "|")) continue;
    const std::string key = info.name.substr(name.size() + 1);
    const auto found = tensors.find(key);
    if (found == tensors.end()) {
      ADD_FAILURE() << info.name << " is missing";
      continue;
    }
    EXPECT_EQ(found->second.dtype, info.dtype) << key;
    EXPECT_EQ(found->second.shape, info.shape) << key;
    const auto bytes = file.Read(found->second);
    EXPECT_THAT(bytes, IsOk()) << key;
    EXPECT_TRUE(bytes.ok() && Equal(bytes->view, expected->bytes(info))) << key;
    ++compared;
  }
  return compared;
}

TEST(TorchCheckpointTest, ReadsEveryTypeAndOrderOfElements) {
  auto file = TorchCheckpoint::Open(kFolder + "kinds.pt");
  ASSERT_THAT(file, IsOk());
  const auto tensors = file->Tensors(file->root());
  ASSERT_THAT(tensors, IsOk());
  EXPECT_EQ(tensors->size(), 18u);
  EXPECT_EQ(Compare(*file, *tensors, "kinds.pt"), 18);
}

TEST(TorchCheckpointTest, AStateDictIsReadWithoutACopy) {
  auto file = TorchCheckpoint::Open(kFolder + "authors_cross_attention-399.pt");
  ASSERT_THAT(file, IsOk());
  const auto tensors = file->Tensors(file->root());
  ASSERT_THAT(tensors, IsOk());
  EXPECT_EQ(Compare(*file, *tensors, "authors_cross_attention-399.pt"), 80);
  for (const auto& [key, tensor] : *tensors) EXPECT_EQ(file->Read(tensor)->copy, nullptr) << key;
}

TEST(TorchCheckpointTest, ReadsAWholeTrainingIfUnknownObjectsAreAllowed) {
  EXPECT_THAT(TorchCheckpoint::Open(kFolder + "iter_400.pth"),
              HasCode(absl::StatusCode::kInvalidArgument));
  auto file = TorchCheckpoint::Open(kFolder + "iter_400.pth", CheckpointOptions::WholeTraining());
  ASSERT_THAT(file, IsOk());
  const PickleNode* state = file->tree().Find(file->root(), "state_dict");
  ASSERT_NE(state, nullptr);
  const auto tensors = file->Tensors(*state);
  ASSERT_THAT(tensors, IsOk());
  EXPECT_EQ(tensors->size(), 44u);
  EXPECT_EQ(Compare(*file, *tensors, "iter_400.pth"), 41);
}

TEST(TorchCheckpointTest, RefusesATensorLargerThanItsStorage) {
  auto file = TorchCheckpoint::Open(kFolder + "repeated.pt");
  ASSERT_THAT(file, IsOk());
  const auto tensors = file->Tensors(file->root());
  ASSERT_THAT(tensors, IsOk());
  EXPECT_THAT(file->Read(tensors->at("repeated")), HasMessage(HasSubstr("repeats")));
}

TEST(TorchCheckpointTest, RefusesTheOlderFormatAndSaysHowToConvertIt) {
  const auto file = TorchCheckpoint::Open(kFolder + "before_1_6.pth");
  EXPECT_THAT(file, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(file, HasMessage(HasSubstr("torch.save(torch.load(")));
  EXPECT_THAT(file, HasMessage(HasSubstr("before_1_6.pth")));
}

TEST(TorchCheckpointTest, AMissingFileIsNotFound) {
  EXPECT_THAT(TorchCheckpoint::Open(kFolder + "none.pt"), HasCode(absl::StatusCode::kNotFound));
}

TEST(TorchCheckpointTest, TheNumberOfMembersIsLimited) {
  CheckpointOptions options;
  options.members = 20;
  EXPECT_THAT(TorchCheckpoint::Open(kFolder + "authors_cross_attention-399.pt", options),
              HasMessage(HasSubstr("at most 20 allowed")));
}

TEST(TorchCheckpointTest, ReadsWhatItWrote) {
  const std::string bytes("\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0", 16);
  const std::vector<TensorView> tensors = {
      {"b", DType::kI32, {2, 2}, std::as_bytes(std::span(bytes))},
      {"a", DType::kF16, {0}, {}},
      {"c", DType::kI64, {}, std::as_bytes(std::span(bytes)).first(8)}};
  const auto written = SerializeStateDict("name", tensors);
  ASSERT_THAT(written, IsOk());
  auto file = TorchCheckpoint::FromBytes(*written, "file");
  ASSERT_THAT(file, IsOk());
  const auto read = file->Tensors(file->root());
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), 3u);
  for (const TensorView& tensor : tensors) {
    EXPECT_EQ(read->at(tensor.name).shape, tensor.shape);
    EXPECT_TRUE(Equal(file->Read(read->at(tensor.name))->view, tensor.bytes));
  }
}

}  // namespace
}  // namespace vico
