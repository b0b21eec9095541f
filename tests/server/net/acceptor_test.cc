#include "server/net/acceptor.h"

#include <algorithm>
#include <ctime>
#include <mutex>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/resource.h>

#include "server/net/listening_sockets.h"
#include "tests/server/net/sockets.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using std::chrono::milliseconds;

/// While this object lives, the process can open no descriptor.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    Descriptor next(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit few{static_cast<rlim_t>(next.number()) + 8, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    do {
      taken_.push_back(std::move(next));
      next = Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
    } while (next);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
  std::vector<Descriptor> taken_;
};

/// Clients whose descriptors are open already, before the process runs out of them.
std::vector<Descriptor> NewClients(int count) {
  std::vector<Descriptor> clients;
  for (int i = 0; i < count; ++i) {
    clients.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  }
  return clients;
}

/// Or closed before connect() returns.
void ConnectTo(int port, const Descriptor& client) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<in_port_t>(port));
  connect(client.number(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
}

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

class AcceptorTest : public testing::Test {
 protected:
  void Start(const ConnectionLimits& limits) {
    auto sockets = OpenListeningSockets("127.0.0.1:0");
    ASSERT_THAT(sockets, IsOk());
    port_ = sockets->port;
    const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(log_);
    auto acceptor = Acceptor::Start(
        std::move(sockets->sockets), limits,
        [this](int, Descriptor connection) {
          const std::lock_guard lock(mutex_);
          accepted_.push_back(std::move(connection));
        },
        Log::ToSink("test", sink));
    ASSERT_THAT(acceptor, IsOk());
    acceptor_ = *std::move(acceptor);
  }

  size_t accepted() {
    const std::lock_guard lock(mutex_);
    return accepted_.size();
  }
  void CloseAccepted() {
    const std::lock_guard lock(mutex_);
    accepted_.clear();
  }
  uint64_t refused(Refusal refusal) {
    return acceptor_->counts().refused[static_cast<size_t>(refusal)];
  }
  /// The lines of the log. The acceptor must be stopped.
  long lines() {
    const std::string text = log_.str();
    return std::count(text.begin(), text.end(), '\n');
  }

  std::ostringstream log_;
  std::mutex mutex_;
  std::vector<Descriptor> accepted_;
  int port_ = 0;
  std::unique_ptr<Acceptor> acceptor_;  // last: destroyed first
};

TEST_F(AcceptorTest, ConnectionsAreHandedOver) {
  Start({});
  const Descriptor one = Connect(port_);
  const Descriptor other = Connect(port_);
  ASSERT_TRUE(Soon([&] { return accepted() == 2; }));
  EXPECT_EQ(acceptor_->counts().open, 2u);
  EXPECT_FALSE(IsClosed(one));
  const std::lock_guard lock(mutex_);
  EXPECT_NE(fcntl(accepted_[0].number(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(fcntl(accepted_[0].number(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(AcceptorTest, ConnectionsAboveThePeersLimitAreClosedAtOnce) {
  Start({.per_peer = 2, .loopback = true});
  std::vector<Descriptor> held;
  for (int i = 0; i < 2; ++i) held.push_back(Connect(port_));
  ASSERT_TRUE(Soon([&] { return accepted() == 2; }));
  EXPECT_TRUE(IsClosed(Connect(port_), milliseconds(5000)));
  EXPECT_EQ(refused(Refusal::kPeer), 1u);
  const Descriptor neighbour = Connect(port_, "127.0.0.2");
  EXPECT_TRUE(Soon([&] { return accepted() == 3; }));
  for (const Descriptor& one : held) EXPECT_FALSE(IsClosed(one));
}

TEST_F(AcceptorTest, AClosedConnectionIsNotCountedAnyMore) {
  Start({});
  const Descriptor one = Connect(port_);
  ASSERT_TRUE(Soon([&] { return acceptor_->counts().open == 1; }));
  CloseAccepted();
  EXPECT_TRUE(Soon([&] { return acceptor_->counts().open == 0; }));
}

TEST_F(AcceptorTest, WithoutDescriptorsConnectionsAreClosedAndLaterServed) {
#ifdef VICO_SANITIZED
  GTEST_SKIP()
      << "UBSan looks at an object's type through a pipe, and there is none without descriptors";
#endif
  Start({.per_peer = 0, .total = 0});
  const Descriptor before = Connect(port_);
  ASSERT_TRUE(Soon([&] { return accepted() == 1; }));
  const std::vector<Descriptor> clients = NewClients(20);
  {
    const NoDescriptors none;
    for (const Descriptor& client : clients) ConnectTo(port_, client);
    for (const Descriptor& client : clients) EXPECT_TRUE(IsClosed(client, milliseconds(5000)));
    EXPECT_EQ(refused(Refusal::kDescriptors), 20u);
    EXPECT_FALSE(IsClosed(before));
  }
  const Descriptor after = Connect(port_);
  EXPECT_TRUE(Soon([&] { return accepted() == 2; }));
  acceptor_->Stop();
  EXPECT_EQ(lines(), 1) << log_.str();
}

TEST_F(AcceptorTest, TheAcceptorSurvivesTheLossOfItsReservedDescriptor) {
  Start({.per_peer = 0, .total = 0});
  const std::vector<Descriptor> clients = NewClients(1);
  const Descriptor& waits = clients[0];
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit nothing{0, before.rlim_max};  // the reserved descriptor cannot be opened again
  setrlimit(RLIMIT_NOFILE, &nothing);
  ConnectTo(port_, waits);
  const double cpu = CpuSeconds();
  EXPECT_FALSE(IsClosed(waits, milliseconds(500)));  // it waits, since nothing can accept it
  EXPECT_LT(CpuSeconds() - cpu, 0.1) << "it spins";
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(Soon([&] { return accepted() == 1; }));
  EXPECT_FALSE(IsClosed(waits));
}

TEST_F(AcceptorTest, ConnectionsLeaveDescriptorsForFilesAndProcesses) {
  Start({.per_peer = 0, .total = 0});
  const std::vector<Descriptor> clients = NewClients(200);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{static_cast<rlim_t>(clients.back().number()) + 129, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  for (const Descriptor& client : clients) ConnectTo(port_, client);
  ASSERT_TRUE(Soon([&] { return accepted() + refused(Refusal::kDescriptors) == clients.size(); }));
  EXPECT_GT(accepted(), 50u);
  std::vector<Descriptor> files;
  for (rlim_t i = 0; i < few.rlim_cur / 8; ++i) {
    EXPECT_TRUE(files.emplace_back(open("/dev/null", O_RDONLY))) << i;
  }
  files.clear();
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(AcceptorTest, ManyRefusalsAreCountedAndLoggedOnce) {
  Start({.per_peer = 1, .loopback = true});
  const Descriptor held = Connect(port_);
  ASSERT_TRUE(Soon([&] { return accepted() == 1; }));
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(IsClosed(Connect(port_), milliseconds(5000)));
  EXPECT_EQ(refused(Refusal::kPeer), 1000u);
  acceptor_->Stop();
  EXPECT_EQ(lines(), 1);
}

TEST_F(AcceptorTest, NothingIsAcceptedAfterStop) {
  Start({});
  acceptor_->Stop();
  EXPECT_FALSE(Connect(port_));
  EXPECT_EQ(accepted(), 0u);
}

}  // namespace
}  // namespace vico::server
