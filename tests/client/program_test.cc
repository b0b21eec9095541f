// Programs as processes with the files, variables and flags that people give them.
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/support/processes.h"
#include "tests/support/temp_folder.h"

namespace vico {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kNobody[] = "127.0.0.1:1";  // nothing listens there

class ProgramTest : public testing::Test {
 protected:
  std::string File(const std::string& name, const std::string& bytes) {
    const std::string path = folder_.path() + "/" + name;
    WriteFile(path, bytes);
    chmod(path.c_str(), 0600);
    return path;
  }
  /// Runs vico with HOME in the folder.
  Finished Vico(std::vector<std::string> words,
                std::map<std::string, std::string> environment = {}) {
    words.insert(words.begin(), VICO_BINARY);
    environment.emplace("HOME", folder_.path());
    environment.emplace("XDG_CONFIG_HOME", folder_.path());
    return RunToEnd(words, std::chrono::minutes(1), environment);
  }

  TempFolder folder_;
};

TEST_F(ProgramTest, NoKeyEndsTheClientBySignal) {
  for (const std::string& bytes :
       {std::string("\xef\xbb\xbf"), std::string("s\xe9"), std::string("\xff\xfek\0", 4),
        std::string("k\0", 2), std::string("a\nb"), std::string("\x7f"), std::string("\"k\"")}) {
    const Finished finished = Vico({"models", "--key-file", File("key", bytes)});
    EXPECT_EQ(finished.exit_code, 2) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(folder_.path() + "/key"));
  }
  EXPECT_EQ(Vico({"models"}, {{"VICO_KEY", "caf\xe9"}}).exit_code, 2);
  // A key that editors of Windows saved reaches the call.
  EXPECT_EQ(Vico({"models", "--server", kNobody, "--key-file", File("key", "\xef\xbb\xbfk\r\n")})
                .exit_code,
            5);
}

TEST_F(ProgramTest, AWrongTraceOfTheEnvironmentIsNotSent) {
  const Finished finished =
      Vico({"models", "--server", kNobody},
           {{"TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
            {"TRACESTATE", "a=\xe9"}});
  EXPECT_EQ(finished.exit_code, 5) << finished.err;
}

TEST_F(ProgramTest, VersionAndHelpNeedNoSettings) {
  mkdir((folder_.path() + "/vico").c_str(), 0700);
  File("vico/config", "this is broken\n");
  EXPECT_EQ(Vico({"models"}).exit_code, 2);
  for (const auto& words : {std::vector<std::string>{"version"}, {"--help"}, {"train", "--help"}}) {
    EXPECT_EQ(Vico(words, {{"VICO_CA", "/none"}, {"VICO_SERVER", "x"}}).exit_code, 0);
  }
}

TEST_F(ProgramTest, ErrorsOfConnectionsHaveTheAddressAndItsSource) {
  const Finished finished = Vico({"models", "--server", "http://LOCALHOST:1/"});
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_EQ(finished.err,
            "error: no answer from the server: cannot connect to http://LOCALHOST:1/: Connection "
            "refused\n"
            "hint: the address http://LOCALHOST:1/ is from --server; --server names another\n");
}

TEST_F(ProgramTest, AddressesAreExplained) {
  for (const char* address : {"0.0.0.0:1", "ftp://a:1", "::1", "a", "http://example.org:1"}) {
    const Finished finished = Vico({"models", "--server", address});
    EXPECT_EQ(finished.exit_code, 2) << address;
    EXPECT_THAT(finished.err, HasSubstr("error: server: ")) << address;
  }
}

struct WrongFlag {
  std::string program;
  std::vector<std::string> words;
};

TEST_F(ProgramTest, EveryProgramReadsNumbersTheSameWay) {
  for (const WrongFlag& wrong :
       std::vector<WrongFlag>{{VICO_SERVER_BINARY, {"--threads", "0x10"}},
                              {VICO_SERVER_BINARY, {"--min-free-bytes", "-1"}},
                              {VICO_SERVER_BINARY, {"--min-free-share", "nan"}},
                              {VICO_SERVER_BINARY, {"--lease-seconds", ""}},
                              {VICO_SERVER_BINARY, {"--upload-seconds", "inf"}},
                              {VICO_SERVER_BINARY, {"--garbage-hours", "1h"}},
                              {VICO_SERVER_BINARY, {"--connections-per-peer", "1000001"}},
                              {VICO_WORKER_BINARY, {"--threads", "+1"}},
                              {VICO_WORKER_BINARY, {"--hang-seconds", "1e9"}},
                              {VICO_HEALTH_BINARY, {"--seconds", "0,5"}}}) {
    const Finished finished =
        RunToEnd({wrong.program, wrong.words[0], wrong.words[1]}, std::chrono::minutes(1));
    EXPECT_EQ(finished.exit_code, 2) << wrong.words[0];
    EXPECT_THAT(finished.err, HasSubstr(wrong.words[0] + ": must be a")) << wrong.words[0];
  }
}

TEST_F(ProgramTest, TheReadyFileOfAWorkerIsNoFileOfTheUser) {
  const std::string notes = File("notes", "mine");
  const Finished finished = RunToEnd(
      {VICO_WORKER_BINARY, "--server", kNobody, "--base-model", "/none", "--ready-file", notes},
      std::chrono::minutes(1));
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err, HasSubstr("--ready-file"));
  EXPECT_EQ(ReadFile(notes), "mine");
}

TEST_F(ProgramTest, ListenAddressesAreReadByTheSameParser) {
  for (const char* flag : {"--listen", "--worker-listen", "--metrics-listen"}) {
    for (const char* address : {"https://127.0.0.1:0", "127.0.0.1", "::1", "me:secret@a:1"}) {
      const Finished finished =
          RunToEnd({VICO_SERVER_BINARY, "--data", folder_.path() + "/data", flag, address},
                   std::chrono::minutes(1));
      EXPECT_NE(finished.exit_code, 0);
      EXPECT_THAT(finished.err,
                  AllOf(HasSubstr(std::string(flag) + ": "), Not(HasSubstr("secret"))))
          << address;
    }
  }
}

TEST_F(ProgramTest, HealthReadsTheSameAddresses) {
  for (const char* address : {"LOCALHOST:1", "http://127.1:1/", "dns:///localhost:1"}) {
    const Finished finished = RunToEnd({VICO_HEALTH_BINARY, address}, std::chrono::minutes(1));
    EXPECT_EQ(finished.exit_code, 1) << address;
    EXPECT_THAT(finished.err, HasSubstr("cannot connect to")) << address;
  }
  for (const char* address : {"::1", "a", "ftp://a:1"}) {
    EXPECT_EQ(RunToEnd({VICO_HEALTH_BINARY, address}, std::chrono::minutes(1)).exit_code, 2);
  }
}

}  // namespace
}  // namespace vico
