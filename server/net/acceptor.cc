#include "server/net/acceptor.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace vico::server {
namespace {

using std::chrono::steady_clock;

constexpr int kAcceptBatch = 64;  // connections from one socket before the next socket
constexpr std::chrono::milliseconds kPauseLength{20};  // after refusals and errors
constexpr std::chrono::seconds kIdleSweepInterval{1};
constexpr std::chrono::minutes kLogInterval{1};  // between lines about one reason
// An eighth of the descriptors, at most this many, is reserved for the files and processes of
// calls.
constexpr rlim_t kMaxReserved = 256;

Descriptor OpenReserve() { return Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

/// The first descriptor number that connections may not use. The kernel assigns the lowest free
/// number, so a higher one means that few are left.
int DescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<int>::max();
  const rlim_t left = limit.rlim_cur - std::min(kMaxReserved, limit.rlim_cur / 8);
  return static_cast<int>(std::min<rlim_t>(left, std::numeric_limits<int>::max()));
}

size_t Index(Refusal refusal) { return static_cast<size_t>(refusal); }

/// Closes with a TCP reset, so that the kernel keeps no state of the connection.
void Reset(Descriptor connection) {
  const linger reset{1, 0};
  setsockopt(connection.number(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

}  // namespace

std::string_view RefusalLabel(Refusal refusal) {
  static constexpr std::array<std::string_view, kRefusals.size()> kLabels{"peer", "total",
                                                                          "descriptors", "flood"};
  return kLabels[Index(refusal)];
}

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Start(std::vector<Descriptor> sockets,
                                                          const ConnectionLimits& limits,
                                                          HandOver hand_over, Log log) {
  Descriptor stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  Descriptor reserve = OpenReserve();
  if (!stop || !reserve) {
    return absl::UnavailableError(fmt::format("cannot accept: {}", std::strerror(errno)));
  }
  return std::unique_ptr<Acceptor>(new Acceptor(std::move(sockets), limits, std::move(hand_over),
                                                std::move(log), std::move(stop),
                                                std::move(reserve)));
}

Acceptor::Acceptor(std::vector<Descriptor> sockets, const ConnectionLimits& limits,
                   HandOver hand_over, Log log, Descriptor stop, Descriptor reserve)
    : hand_over_(std::move(hand_over)),
      log_(std::move(log)),
      stop_(std::move(stop)),
      sockets_(std::move(sockets)),
      reserve_(std::move(reserve)),
      limiter_(limits),
      thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "vico-accept");
}

Acceptor::~Acceptor() { Stop(); }

void Acceptor::Stop() {
  if (!thread_.joinable()) return;
  eventfd_write(stop_.number(), 1);
  thread_.join();
  sockets_.clear();
}

ConnectionCounts Acceptor::counts() const {
  MutexLock lock(mutex_);
  return {limiter_.open(), refused_};
}

void Acceptor::Run() {
  std::vector<pollfd> waiting{{stop_.number(), POLLIN, 0}};
  for (const Descriptor& socket : sockets_) waiting.push_back({socket.number(), POLLIN, 0});
  Pace pace = Pace::kContinue;
  while (true) {
    // In a pause it waits for the stop event only.
    const bool pause = pace == Pace::kPause;
    const std::chrono::milliseconds timeout = pause ? kPauseLength : kIdleSweepInterval;
    for (pollfd& each : waiting) each.revents = 0;
    if (poll(waiting.data(), pause ? 1 : waiting.size(), static_cast<int>(timeout.count())) < 0) {
      std::this_thread::sleep_for(kPauseLength);
    }
    if (eventfd_t stop = 0; eventfd_read(stop_.number(), &stop) == 0) return;
    pace = Pace::kContinue;
    for (size_t i = 1; i < waiting.size(); ++i) {
      if (waiting[i].revents != 0 && AcceptSome(waiting[i].fd) == Pace::kPause) {
        pace = Pace::kPause;
      }
    }
    Sweep();
  }
}

void Acceptor::Sweep() {
  const Time now = steady_clock::now();
  MutexLock lock(mutex_);
  if (now - limiter_.swept() >= kIdleSweepInterval) limiter_.Sweep(now);
}

Acceptor::Pace Acceptor::AcceptSome(int listening) {
  if (!reserve_) reserve_ = OpenReserve();
  const int limit = DescriptorLimit();
  int refused = 0;
  for (int i = 0; i < kAcceptBatch; ++i) {
    Arrival arrival = Accept(listening);
    if (arrival.connection) {
      if (!Admit(listening, std::move(arrival), limit)) ++refused;
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return Pace::kContinue;
      case EINTR:
      case ECONNABORTED:
        continue;  // this connection is gone; others may wait
      case EMFILE:
      case ENFILE:
        if (!CloseNext(listening)) return Pace::kPause;
        ++refused;
        continue;
      default:  // temporary errors of network, firewall or memory
        if (error_line_.Allow()) {
          log_.Warning("no connection is accepted", {{"error", std::strerror(errno)}});
        }
        return Pace::kPause;
    }
  }
  // A pause limits the load of peers that reconnect at once after a refusal.
  return refused > 0 ? Pace::kPause : Pace::kContinue;
}

bool Acceptor::CloseNext(int listening) {
  reserve_.Close();
  Arrival arrival = Accept(listening);
  const bool accepted = static_cast<bool>(arrival.connection);
  if (accepted) Refuse(Refusal::kDescriptors, std::move(arrival));
  reserve_ = OpenReserve();
  return accepted && reserve_;
}

bool Acceptor::Admit(int listening, Arrival arrival, int limit) {
  std::optional<Refusal> refused;
  if (arrival.connection.number() >= limit) {
    refused = Refusal::kDescriptors;
  } else {
    MutexLock lock(mutex_);
    refused = limiter_.Admit(arrival.peer, arrival.connection.number(), steady_clock::now());
  }
  if (refused) {
    Refuse(*refused, std::move(arrival));
  } else {
    hand_over_(listening, std::move(arrival.connection));
  }
  return !refused;
}

void Acceptor::Refuse(Refusal refusal, Arrival arrival) {
  uint64_t so_far = 0;
  {
    MutexLock lock(mutex_);
    so_far = ++refused_[Index(refusal)];
  }
  Reset(std::move(arrival.connection));
  if (!refusal_lines_[Index(refusal)].Allow()) return;
  log_.Warning(
      "a connection is refused",
      {{"reason", RefusalLabel(refusal)}, {"peer", arrival.peer.name}, {"so_far", so_far}});
}

bool Acceptor::LogLimiter::Allow() {
  const Time now = steady_clock::now();
  if (last_ && now - *last_ < kLogInterval) return false;
  last_ = now;
  return true;
}

Acceptor::Arrival Acceptor::Accept(int listening) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  Descriptor connection(accept4(listening, reinterpret_cast<sockaddr*>(&address), &size,
                                SOCK_CLOEXEC | SOCK_NONBLOCK));
  return {std::move(connection), PeerOf(address)};
}

}  // namespace vico::server
