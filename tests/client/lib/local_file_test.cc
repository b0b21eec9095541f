#include "client/lib/local_file.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/crypto/sha256.h"

namespace vico::client {
namespace {

using ::testing::HasSubstr;

class LocalFileTest : public ::testing::Test {
 protected:
  LocalFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "vico_file_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~LocalFileTest() override { std::filesystem::remove_all(folder_); }

  static std::string Read(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  std::size_t Entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_),
                                                  std::filesystem::directory_iterator()));
  }

  std::filesystem::path folder_;
};

TEST_F(LocalFileTest, DescribesSizeAndDigest) {
  ASSERT_TRUE(WriteAtomically(folder_ / "a", "hello").ok());
  const auto file = Describe(folder_ / "a");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->size_bytes, 5U);
  EXPECT_EQ(file->sha256, Sha256Hex("hello"));
}

TEST_F(LocalFileTest, AnEmptyFileIsAFile) {
  ASSERT_TRUE(WriteAtomically(folder_ / "a", "").ok());
  const auto file = Describe(folder_ / "a");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->size_bytes, 0U);
}

TEST_F(LocalFileTest, AMissingFileIsNamed) {
  const absl::Status status = Describe(folder_ / "nope.jpg").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message().data(), status.message().size()),
              HasSubstr("nope.jpg: no such file"));
}

TEST_F(LocalFileTest, AFolderIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(Describe(folder_).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(WriteAtomically(folder_, "x")));
}

TEST_F(LocalFileTest, PiecesJoinToTheWholeFile) {
  const std::string bytes(2'500'000, 'q');
  ASSERT_TRUE(WriteAtomically(folder_ / "a", bytes).ok());
  std::string together;
  int pieces = 0;
  ASSERT_TRUE(ReadPieces(folder_ / "a", 1 << 20, [&](std::string&& piece) {
                together += piece;
                ++pieces;
                return true;
              }).ok());
  EXPECT_EQ(together, bytes);
  EXPECT_EQ(pieces, 3);
}

TEST_F(LocalFileTest, TheFileAppearsAtCommit) {
  auto file = AtomicFile::Create(folder_ / "deep" / "er" / "a");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("hello").ok());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "deep" / "er" / "a"));
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Read(folder_ / "deep" / "er" / "a"), "hello");
}

TEST_F(LocalFileTest, WithoutCommitNothingIsLeft) {
  {
    auto file = AtomicFile::Create(folder_ / "a");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->Write("half").ok());
    EXPECT_EQ(Entries(), 1U);
  }
  EXPECT_EQ(Entries(), 0U);
}

TEST_F(LocalFileTest, AnOlderFileStays) {
  ASSERT_TRUE(WriteAtomically(folder_ / "a", "old").ok());
  const absl::Status status = WriteAtomically(folder_ / "a", "new");
  EXPECT_TRUE(absl::IsAlreadyExists(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr((folder_ / "a").string()));
  EXPECT_EQ(Read(folder_ / "a"), "old");
  EXPECT_EQ(Entries(), 1U);
}

TEST_F(LocalFileTest, AFileThatAppearsMeanwhileStays) {
  auto file = AtomicFile::Create(folder_ / "a");
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->Write("new").ok());
  std::filesystem::create_symlink("/nowhere", folder_ / "a");
  EXPECT_TRUE(absl::IsAlreadyExists(file->Commit()));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "a"));
}

TEST_F(LocalFileTest, ANameMayBeAsLongAsTheFileSystemAllows) {
  const std::string name(255, 'n');
  ASSERT_TRUE(WriteAtomically(folder_ / name, "x").ok());
  EXPECT_EQ(Read(folder_ / name), "x");
}

TEST_F(LocalFileTest, HasBytesComparesAll) {
  ASSERT_TRUE(WriteAtomically(folder_ / "a", "hello").ok());
  EXPECT_TRUE(HasBytes(folder_ / "a", "hello"));
  EXPECT_FALSE(HasBytes(folder_ / "a", "hellO"));
  EXPECT_FALSE(HasBytes(folder_ / "a", "hell"));
  EXPECT_FALSE(HasBytes(folder_ / "a", "hello!"));
  EXPECT_FALSE(HasBytes(folder_ / "b", ""));
  EXPECT_FALSE(HasBytes(folder_, ""));
}

TEST_F(LocalFileTest, IsThereTellsSameOtherAndFree) {
  ASSERT_TRUE(WriteAtomically(folder_ / "a", "hello").ok());
  EXPECT_TRUE(IsThere(folder_ / "a", Sha256Hex("hello")).value());
  EXPECT_FALSE(IsThere(folder_ / "b", Sha256Hex("hello")).value());
  EXPECT_TRUE(absl::IsAlreadyExists(IsThere(folder_ / "a", Sha256Hex("other")).status()));
  EXPECT_TRUE(absl::IsAlreadyExists(IsThere(folder_, Sha256Hex("")).status()));
}

TEST_F(LocalFileTest, CheckWritableLeavesNothing) {
  EXPECT_TRUE(CheckWritable(folder_ / "deep" / "er").ok());
  EXPECT_EQ(Entries(), 0U);
  EXPECT_TRUE(CheckWritable(folder_).ok());
  EXPECT_EQ(Entries(), 0U);
}

TEST_F(LocalFileTest, CheckWritableNamesWhatIsWrong) {
  ASSERT_TRUE(WriteAtomically(folder_ / "file", "x").ok());
  for (const auto& folder :
       {folder_ / "file", folder_ / "file" / "inside", std::filesystem::path("/proc/nowhere"),
        folder_ / std::string(300, 'n')}) {
    const absl::Status status = CheckWritable(folder);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(folder.string()));
  }
}

TEST_F(LocalFileTest, CheckWritableFindsAFullDisk) {
  // A limit on file sizes makes the write fail like a full disk.
  const auto check_with_little_room = [this] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{10, 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(absl::IsResourceExhausted(CheckWritable(folder_ / "a")) ? 0 : 1);
  };
  ASSERT_EXIT(check_with_little_room(), ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(Entries(), 0U);
}

TEST_F(LocalFileTest, AnOlderFileIsReplacedIfAsked) {
  ASSERT_TRUE(WriteAtomically(folder_ / "a", "old and longer").ok());
  ASSERT_TRUE(WriteAtomically(folder_ / "a", "new", Existing::kReplace).ok());
  EXPECT_EQ(Read(folder_ / "a"), "new");
  EXPECT_EQ(Entries(), 1U);
}

TEST_F(LocalFileTest, AFullDiskIsAnErrorAndLeavesNoFile) {
  // A limit on file sizes makes the write fail like a full disk.
  const auto write_with_little_room = [this] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{10, 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    const absl::Status status = WriteAtomically(folder_ / "a", std::string(100, 'x'));
    _exit(absl::IsResourceExhausted(status) ? 0 : 1);
  };
  ASSERT_EXIT(write_with_little_room(), ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(Entries(), 0U);
}

}  // namespace
}  // namespace vico::client
