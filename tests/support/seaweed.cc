#include "tests/support/seaweed.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace vico {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr int kFirstPort = 10000;

[[noreturn]] void Give(const std::string& why) {
  std::cerr << "seaweed: " << why << std::endl;
  std::abort();
}

std::string Program() {
  if (const char* set = std::getenv("VICO_WEED"); set != nullptr) return set;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  return fmt::format("{}/vico/tools/weed", cache != nullptr
                                               ? std::string(cache)
                                               : fmt::format("{}/.cache", home ? home : ""));
}

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool IsFree(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return bound;
}

/// The first port that the kernel gives to outgoing connections.
int FirstOutgoingPort() {
  std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
  int first = 0;
  if (!(range >> first) || first <= kFirstPort) Give("no port below those of connections");
  return first;
}

}  // namespace

int FreePort() {
  static std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<int> any(kFirstPort, FirstOutgoingPort() - 1);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const int port = any(random);
    if (IsFree(port)) return port;
  }
  Give("no free port");
}

Seaweed::Seaweed() {
  if (!std::filesystem::exists(Program())) {
    Give("is not installed; run scripts/bootstrap --tests");
  }
  for (int& port : ports_) port = FreePort();
  WriteFile(folder_.path() + "/s3.json",
            fmt::format(R"({{"identities":[{{"name":"vico","credentials":[{{"accessKey":"{}",)"
                        R"("secretKey":"{}"}}],"actions":["Admin","Read","Write","List"]}}]}})",
                        kAccessKey, kSecretKey));
  Start();
}

void Seaweed::Start() {
  const std::string log = folder_.path() + "/log";
  std::filesystem::create_directory(folder_.path() + "/data");
  const auto flag = [](const char* name, const auto& value) {
    return fmt::format("-{}={}", name, value);
  };
  // Explicit ports, since a default one of gRPC is the other plus 10000, which may not exist.
  server_.emplace(std::vector<std::string>{Program(),
                                           "-logtostderr",
                                           "server",
                                           flag("dir", folder_.path() + "/data"),
                                           "-ip=127.0.0.1",
                                           "-ip.bind=127.0.0.1",
                                           "-filer",
                                           "-s3",
                                           flag("s3.port", ports_[0]),
                                           flag("s3.port.grpc", ports_[1]),
                                           flag("master.port", ports_[2]),
                                           flag("master.port.grpc", ports_[3]),
                                           flag("volume.port", ports_[4]),
                                           flag("volume.port.grpc", ports_[5]),
                                           flag("filer.port", ports_[6]),
                                           flag("filer.port.grpc", ports_[7]),
                                           flag("s3.config", folder_.path() + "/s3.json"),
                                           "-s3.iam=false",
                                           "-s3.port.iceberg=0",
                                           "-s3.port.lance=0",
                                           "-s3.autoCreateBucket=false",
                                           "-master.telemetry=false",
                                           "-master.electionTimeout=1s",
                                           "-master.volumeSizeLimitMB=64",
                                           "-volume.preStopSeconds=1",
                                           "-volume.max=100"},
                  ProcessOptions{log, log, {}, {}});
  if (!Eventually([this] { return Answers(); }, kPatience)) {
    Give("does not start: " + ReadFile(log));
  }
}

/// Whether the gateway takes a connection and answers something.
bool Seaweed::Answers() const {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port());
  bool answers = false;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    constexpr std::string_view kAsk = "GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n";
    char byte = 0;
    answers = write(fd, kAsk.data(), kAsk.size()) > 0 && read(fd, &byte, 1) == 1;
  }
  close(fd);
  return answers;
}

Seaweed& Seaweed::OfThisProgram() {
  static Seaweed seaweed;
  return seaweed;
}

}  // namespace vico
