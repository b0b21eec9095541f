// A running server whose disk fills up, and one whose database is damaged.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "tests/hostile/store_process.h"

namespace vico::server {
namespace {

using testing::HasSubstr;

constexpr int kPage = 4096;

class StoreDiskTest : public testing::Test {
 protected:
  /// The largest file that the server may write from now on.
  static void LimitFiles(ServerProcess& server, rlim_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    ASSERT_EQ(prlimit(server.process().pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
  }

  int64_t Pages() const {
    return static_cast<int64_t>(std::filesystem::file_size(Database())) / kPage;
  }
  std::string Database() const { return data_ + "/vico.db"; }

  void Overwrite(int64_t page) const {
    std::fstream file(Database(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(page * kPage);
    file << std::string(64, '\xee');
  }

  TempFolder folder_;
  const std::string data_ = folder_.path() + "/data";
};

TEST_F(StoreDiskTest, AFullDiskIsNotServingUntilItHasRoom) {
  ServerProcess server(data_);
  ASSERT_TRUE(Eventually([&] { return server.IsServing(); }, kServerPatience)) << server.log();
  for (int round = 0; round < 2; ++round) {
    LimitFiles(server, 1);
    const auto begun = std::chrono::steady_clock::now();
    ASSERT_TRUE(Eventually([&] { return !server.IsServing(); }, kServerPatience)) << server.log();
    const std::chrono::duration<double> full = std::chrono::steady_clock::now() - begun;
    EXPECT_TRUE(server.IsServing("")) << "the process works";
    LimitFiles(server, RLIM_INFINITY);
    const auto room = std::chrono::steady_clock::now();
    ASSERT_TRUE(Eventually([&] { return server.IsServing(); }, kServerPatience)) << server.log();
    const std::chrono::duration<double> again = std::chrono::steady_clock::now() - room;
    std::printf("full disk: NOT_SERVING after %.1f s, SERVING again after %.1f s\n", full.count(),
                again.count());
  }
  EXPECT_TRUE(server.process().Running());
}

TEST_F(StoreDiskTest, ADamagedDatabaseEndsTheServerWithAdvice) {
  {
    ServerProcess first(data_);
    ASSERT_TRUE(Eventually([&] { return first.IsServing(); }, kServerPatience)) << first.log();
    first.process().Signal(SIGTERM);
    ASSERT_EQ(first.process().Wait(kServerPatience), 0) << "its log is in the file now";
  }
  const std::string whole = ReadFile(Database());
  const int64_t pages = Pages();
  for (const int64_t page : {int64_t{0}, int64_t{1}, pages / 3, pages - 1}) {
    SCOPED_TRACE(fmt::format("page {} of {}", page + 1, pages));
    WriteFile(Database(), whole);
    std::filesystem::remove(data_ + ".log");
    ServerProcess server(data_);
    ASSERT_TRUE(Eventually([&] { return server.IsServing(); }, kServerPatience)) << server.log();
    const auto begun = std::chrono::steady_clock::now();
    Overwrite(page);
    ASSERT_TRUE(Eventually([&] { return !server.IsServing(); }, kServerPatience)) << server.log();
    const auto exit_code = server.process().Wait(std::chrono::seconds(60));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::printf("damaged page %ld: exit after %.1f s\n", static_cast<long>(page + 1), took.count());
    EXPECT_EQ(exit_code, 1) << server.log();
    EXPECT_THAT(server.log(), HasSubstr("is damaged. Keep the folder"));
    EXPECT_THAT(server.log(), HasSubstr("vico-server restore --from BACKUP --data NEW_FOLDER"));

    const Finished again = RunToEnd(ServerProcess::Command(data_), kServerPatience);
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_THAT(again.err, HasSubstr("vico-server restore --from BACKUP --data NEW_FOLDER"));
  }
}

}  // namespace
}  // namespace vico::server
