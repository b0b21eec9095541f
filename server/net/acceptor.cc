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

constexpr int kAtOnce = 64;  // accepted from a socket before the others have their turn
constexpr std::chrono::milliseconds kPauseLength{20};  // when there is nothing to accept with
constexpr std::chrono::seconds kBetweenSweeps{1};
constexpr std::chrono::minutes kBetweenLines{1};  // in the log, of one reason
// Descriptors that connections leave to the files and processes that calls need: an eighth.
constexpr rlim_t kMostKeptFree = 256;

Descriptor OpenReserve() { return Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

/// Since the kernel gives the lowest free number, a higher one means that few are left.
int HighestForAConnection() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<int>::max();
  const rlim_t left = limit.rlim_cur - std::min(kMostKeptFree, limit.rlim_cur / 8);
  return static_cast<int>(std::min<rlim_t>(left, std::numeric_limits<int>::max()));
}

size_t Index(Refusal refusal) { return static_cast<size_t>(refusal); }

/// Closes it so that nothing of it stays behind in the kernel.
void Reset(Descriptor connection) {
  const linger at_once{1, 0};
  setsockopt(connection.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

}  // namespace

std::string_view RefusalLabel(Refusal refusal) {
  static constexpr std::array<std::string_view, kRefusals.size()> kLabels{"peer", "total",
                                                                          "descriptors"};
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
      book_(limits),
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
  const std::lock_guard lock(mutex_);
  return {book_.open(), refused_};
}

void Acceptor::Run() {
  std::vector<pollfd> waiting{{stop_.number(), POLLIN, 0}};
  for (const Descriptor& socket : sockets_) waiting.push_back({socket.number(), POLLIN, 0});
  Pace pace = Pace::kGoOn;
  while (true) {
    // In a pause only the end is waited for.
    const bool pause = pace == Pace::kPause;
    const std::chrono::milliseconds longest = pause ? kPauseLength : kBetweenSweeps;
    for (pollfd& each : waiting) each.revents = 0;
    if (poll(waiting.data(), pause ? 1 : waiting.size(), static_cast<int>(longest.count())) < 0) {
      std::this_thread::sleep_for(kPauseLength);  // it looks at no more sockets than may be open
    }
    if (eventfd_t ended = 0; eventfd_read(stop_.number(), &ended) == 0) return;
    pace = Pace::kGoOn;
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
  const std::lock_guard lock(mutex_);
  if (now - book_.swept() >= kBetweenSweeps) book_.Sweep(now);
}

Acceptor::Pace Acceptor::AcceptSome(int listening) {
  if (!reserve_) reserve_ = OpenReserve();
  const int highest = HighestForAConnection();
  int refused = 0;
  for (int i = 0; i < kAtOnce; ++i) {
    Arrival arrival = Accept(listening);
    if (arrival.connection) {
      if (!Take(listening, std::move(arrival), highest)) ++refused;
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return Pace::kGoOn;
      case EINTR:
      case ECONNABORTED:
        continue;  // that connection is over; the next one need not be
      case EMFILE:
      case ENFILE:
        if (!TurnAway(listening)) return Pace::kPause;
        ++refused;
        continue;
      default:  // the network's errors, the firewall's, and too little memory: they pass
        if (error_line_.Now()) {
          log_.Warning("no connection is accepted", {{"error", std::strerror(errno)}});
        }
        return Pace::kPause;
    }
  }
  // Who is refused and comes again at once must not keep the machine busy.
  return refused > 0 ? Pace::kPause : Pace::kGoOn;
}

bool Acceptor::TurnAway(int listening) {
  reserve_.Close();
  Arrival arrival = Accept(listening);
  const bool came = static_cast<bool>(arrival.connection);
  if (came) Refuse(Refusal::kDescriptors, std::move(arrival));
  reserve_ = OpenReserve();
  return came && reserve_;
}

bool Acceptor::Take(int listening, Arrival arrival, int highest) {
  std::optional<Refusal> refused;
  if (arrival.connection.number() >= highest) {
    refused = Refusal::kDescriptors;
  } else {
    const std::lock_guard lock(mutex_);
    refused = book_.Admit(arrival.peer, arrival.connection.number(), steady_clock::now());
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
    const std::lock_guard lock(mutex_);
    so_far = ++refused_[Index(refusal)];
  }
  Reset(std::move(arrival.connection));
  if (!refusal_lines_[Index(refusal)].Now()) return;
  log_.Warning(
      "a connection is refused",
      {{"reason", RefusalLabel(refusal)}, {"peer", arrival.peer.name}, {"so_far", so_far}});
}

bool Acceptor::Seldom::Now() {
  const Time now = steady_clock::now();
  if (last_ && now - *last_ < kBetweenLines) return false;
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
