// Malformed files are refused with their reason, within a second and in little memory.
#include <chrono>
#include <ostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/formats/checkpoint/torch_checkpoint.h"
#include "tests/common/formats/checkpoint/hostile_files.h"
#include "tests/support/status_matchers.h"

namespace vico {

std::ostream& operator<<(std::ostream& out, const HostileFile& file) { return out << file.trick; }

namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::vector<HostileFile> All() {
  std::vector<HostileFile> all = HostileZips();
  for (HostileFile& file : HostilePickles()) all.push_back(std::move(file));
  return all;
}

/// Opens the file and reads all tensors, since their checksums are verified on reading.
absl::Status OpenAndRead(const HostileFile& file, const CheckpointOptions& options) {
  auto opened = TorchCheckpoint::FromBytes(file.bytes, "file", options);
  if (!opened.ok()) return opened.status();
  for (const PickleNode& node : opened->tree().nodes()) {
    if (node.kind != PickleNode::Kind::kTensor) continue;
    const auto read = opened->Read(opened->Tensor(node));
    if (!read.ok()) return read.status();
  }
  return absl::OkStatus();
}

class HostileFileTest : public testing::TestWithParam<HostileFile> {};

#ifdef VICO_SANITIZED  // checks of each access take time
constexpr std::chrono::seconds kLongest(10);
#else
constexpr std::chrono::seconds kLongest(1);
#endif

TEST_P(HostileFileTest, IsRefusedWithItsReasonWithinASecond) {
  const auto start = std::chrono::steady_clock::now();
  const absl::Status status = OpenAndRead(GetParam(), {});
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(status, HasMessage(StartsWith("file: ")));
  EXPECT_THAT(status, HasMessage(HasSubstr(GetParam().complaint)));
  EXPECT_LT(took, kLongest);
}

INSTANTIATE_TEST_SUITE_P(Tricks, HostileFileTest, testing::ValuesIn(All()),
                         [](const auto& test) { return test.param.trick; });

TEST(HostileFilesTest, TheBuilderWritesAValidFile) {
  EXPECT_GE(All().size(), 60u);
  EXPECT_THAT(OpenAndRead({"", HarmlessFile(), ""}, {}), IsOk());
}

TEST(HostileFilesTest, ReadVerifiesTheChecksumOfATensor) {
  std::string bytes = HarmlessFile();
  const size_t at = bytes.find(std::string(8, '\0'), bytes.find("a/data/0"));
  bytes[at] = 'x';
  auto opened = TorchCheckpoint::FromBytes(bytes, "file");
  ASSERT_THAT(opened, IsOk());
  const PickleNode* tensor = opened->tree().Find(opened->root(), "a");
  ASSERT_NE(tensor, nullptr);
  EXPECT_THAT(opened->Read(opened->Tensor(*tensor)), HasMessage(HasSubstr("CRC")));
}

TEST(HostileFilesTest, UnknownNamesBecomeOpaqueIfAllowed) {
  for (const HostileFile& file : HostilePickles()) {
    if (file.trick != "CallOfSystem") continue;
    const auto opened =
        TorchCheckpoint::FromBytes(file.bytes, "file", CheckpointOptions::WholeTraining());
    ASSERT_THAT(opened, IsOk());
    EXPECT_EQ(opened->tree().Find(opened->root(), "a")->kind, PickleNode::Kind::kOpaque);
    EXPECT_THAT(opened->Tensors(opened->root()), HasMessage(HasSubstr("foreign object")));
  }
}

#ifndef __SANITIZE_ADDRESS__  // its shadow memory is larger than any limit
TEST(HostileFilesTest, TakeLessThan256MebibytesTogether) {
  const std::vector<HostileFile> files = All();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    size_t pages = 0;
    if (FILE* statm = std::fopen("/proc/self/statm", "r")) {
      if (std::fscanf(statm, "%zu", &pages) != 1) _exit(3);
      std::fclose(statm);
    }
    const rlim_t limit = pages * static_cast<size_t>(getpagesize()) + (size_t{256} << 20);
    const rlimit space{limit, limit};
    if (pages == 0 || setrlimit(RLIMIT_AS, &space) != 0) _exit(3);
    for (const HostileFile& file : files) {
      for (const auto& options : {CheckpointOptions(), CheckpointOptions::WholeTraining()}) {
        if (OpenAndRead(file, options).ok() && options.pickle.foreign == ForeignObjects::kRefuse) {
          _exit(2);
        }
      }
    }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}
#endif

}  // namespace
}  // namespace vico
