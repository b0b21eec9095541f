#include "server/net/unix_socket.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::server {
namespace {

using testing::HasSubstr;

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

bool Connects(const std::string& path) {
  const Descriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = AddressOf(path);
  return connect(client.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
         0;
}

/// Leaves a socket as a program that was killed does.
void LeaveStale(const std::string& path, int type = SOCK_STREAM) {
  const Descriptor made(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un address = AddressOf(path);
  ASSERT_EQ(bind(made.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
}

class UnixSocketTest : public testing::Test {
 protected:
  const TempFolder folder_;
  const std::string path_ = folder_.path() + "/vico.sock";
  const std::string address_ = "unix:" + path_;
};

TEST_F(UnixSocketTest, ItListensAndRemovesItsFilesAtTheEnd) {
  for (const std::string& address : {address_, "unix://" + path_}) {
    {
      const auto opened = OpenUnixSocket(address);
      ASSERT_THAT(opened, IsOk()) << address;
      EXPECT_TRUE(Connects(path_));
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path())) << address;
  }
}

TEST_F(UnixSocketTest, ASecondServerIsRefusedAndTheFirstGoesOn) {
  const auto first = OpenUnixSocket(address_);
  ASSERT_THAT(first, IsOk());
  for (int i = 0; i < 2; ++i) {
    const auto second = OpenUnixSocket(address_);
    EXPECT_THAT(second, HasCode(absl::StatusCode::kUnavailable));
    EXPECT_THAT(second, HasMessage(HasSubstr(path_ + ": another program listens there")));
  }
  EXPECT_TRUE(Connects(path_));
}

TEST_F(UnixSocketTest, AnotherProgramThatListensIsNotReplaced) {
  const Descriptor other(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = AddressOf(path_);
  ASSERT_EQ(bind(other.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(other.number(), 8), 0);
  EXPECT_THAT(OpenUnixSocket(address_), HasMessage(HasSubstr("another program listens there")));
  EXPECT_TRUE(Connects(path_));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".lock"));
}

TEST_F(UnixSocketTest, ASocketThatNobodyListensOnIsReplaced) {
  LeaveStale(path_);
  std::ofstream(path_ + ".lock") << "left by a program that was killed";
  ASSERT_FALSE(Connects(path_));
  const auto opened = OpenUnixSocket(address_);
  ASSERT_THAT(opened, IsOk());
  EXPECT_TRUE(Connects(path_));
}

TEST_F(UnixSocketTest, AnythingElseAtThePathStaysAndIsNamed) {
  const auto refused = [&](const char* what) {
    EXPECT_THAT(OpenUnixSocket(address_), HasMessage(HasSubstr(what)));
    EXPECT_TRUE(std::filesystem::symlink_status(path_).type() !=
                std::filesystem::file_type::not_found);
    std::filesystem::remove_all(path_);
  };
  std::ofstream(path_) << "somebody's notes";
  refused("a regular file is there");
  std::filesystem::create_directory(path_);
  refused("a folder is there");
  std::filesystem::create_symlink("/nowhere", path_);
  refused("a symbolic link is there");
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  refused("a pipe is there");
  LeaveStale(path_, SOCK_DGRAM);
  const auto opened = OpenUnixSocket(address_);
  EXPECT_THAT(opened, IsOk()) << "nobody has this one open";
}

TEST_F(UnixSocketTest, ATooLongPathIsNamedWithItsLimit) {
  const std::string most = folder_.path() + "/" + std::string(106 - folder_.path().size(), 'p');
  EXPECT_THAT(OpenUnixSocket("unix:" + most), IsOk());
  EXPECT_THAT(OpenUnixSocket("unix:" + most + "p"),
              HasMessage(HasSubstr("at most 107 bytes, got 108")));
  EXPECT_THAT(OpenUnixSocket("unix-abstract:" + std::string(108, 'n')),
              HasMessage(HasSubstr("at most 107 bytes, got 108")));
}

TEST_F(UnixSocketTest, AFolderThatIsNotThereIsSaid) {
  EXPECT_THAT(OpenUnixSocket("unix:" + folder_.path() + "/none/vico.sock"),
              HasMessage(HasSubstr("No such file or directory")));
  EXPECT_THAT(OpenUnixSocket("unix:"), HasMessage(HasSubstr("it has no name")));
}

TEST_F(UnixSocketTest, TheSocketOfASuccessorIsNotDeleted) {
  auto first = OpenUnixSocket(address_);
  ASSERT_THAT(first, IsOk());
  // An operator removes both files and starts another server.
  std::filesystem::remove(path_);
  std::filesystem::remove(path_ + ".lock");
  const auto second = OpenUnixSocket(address_);
  ASSERT_THAT(second, IsOk());
  first->file.reset();
  EXPECT_TRUE(Connects(path_));
  EXPECT_THAT(OpenUnixSocket(address_), HasMessage(HasSubstr("another program listens there")));
}

TEST_F(UnixSocketTest, AnAbstractNameIsServedOnceAndLeavesNoFile) {
  const std::string address = fmt::format("unix-abstract:vico-test-{}", getpid());
  {
    const auto first = OpenUnixSocket(address);
    ASSERT_THAT(first, IsOk());
    EXPECT_THAT(OpenUnixSocket(address), HasMessage(HasSubstr("another program listens there")));
  }
  EXPECT_THAT(OpenUnixSocket(address), IsOk()) << "the name is free again";
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace vico::server
