#include "server/gate/gate_loop.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace vico::server {
namespace {

constexpr std::chrono::seconds kTick{1};
constexpr int kStopTickMs = 20;
constexpr int kEventsAtOnce = 128;
constexpr uint64_t kWake = 0;  // the data of the wake descriptor; entries begin at 1

}  // namespace

absl::StatusOr<std::unique_ptr<GateLoop>> GateLoop::Start(const char* name, Events events) {
  Descriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  Descriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event waits{EPOLLIN, {.u64 = kWake}};
  if (!epoll || !wake || epoll_ctl(epoll.number(), EPOLL_CTL_ADD, wake.number(), &waits) != 0) {
    return absl::UnavailableError(
        fmt::format("cannot relay connections: {}", std::strerror(errno)));
  }
  std::unique_ptr<GateLoop> loop(
      new GateLoop(std::move(events), std::move(epoll), std::move(wake)));
  pthread_setname_np(loop->thread_.native_handle(), name);
  return loop;
}

GateLoop::GateLoop(Events events, Descriptor epoll, Descriptor wake)
    : events_(std::move(events)),
      epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      scratch_(kRelayBlock),
      thread_([this] { Run(); }) {}

void GateLoop::Adopt(std::unique_ptr<GatedConnection> connection) {
  {
    MutexLock lock(mutex_);
    inbox_.push_back(std::move(connection));
  }
  eventfd_write(wake_.number(), 1);
}

void GateLoop::Stop(std::chrono::milliseconds grace) {
  if (!thread_.joinable()) return;
  stop_by_ = std::chrono::steady_clock::now() + grace;
  stopping_ = true;
  eventfd_write(wake_.number(), 1);
  thread_.join();
  MutexLock lock(mutex_);
  inbox_.clear();
}

void GateLoop::Run() {
  // OpenSSL writes to sockets without MSG_NOSIGNAL.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);

  std::array<epoll_event, kEventsAtOnce> events;
  ticked_ = std::chrono::steady_clock::now();
  while (true) {
    const auto tick = std::chrono::duration_cast<std::chrono::milliseconds>(kTick);
    const int timeout = stopping_ ? kStopTickMs : static_cast<int>(tick.count());
    const int count = epoll_wait(epoll_.number(), events.data(), kEventsAtOnce, timeout);
    const Time now = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == kWake) {
        TakeInbox();
      } else {
        Serve(events[i].data.u64, events[i].events, now);
      }
    }
    if (stopping_) {
      std::erase_if(entries_, [](const auto& each) { return !each.second.connection->attached(); });
      if (entries_.empty() || now >= stop_by_) break;
    }
    if (now - ticked_ >= kTick) Tick(now);
  }
  entries_.clear();
}

void GateLoop::TakeInbox() {
  eventfd_t unused = 0;
  eventfd_read(wake_.number(), &unused);
  std::vector<std::unique_ptr<GatedConnection>> arrived;
  {
    MutexLock lock(mutex_);
    arrived.swap(inbox_);
  }
  for (auto& connection : arrived) {
    const uint64_t id = ++last_id_;
    const auto entry = entries_.emplace(id, Entry{std::move(connection), {}}).first;
    if (!Update(id, entry->second)) entries_.erase(entry);
  }
}

void GateLoop::Serve(uint64_t data, uint32_t events, Time now) {
  const auto entry = entries_.find(data >> 1);
  // An earlier event of the same batch may have ended the connection.
  if (entry == entries_.end()) return;
  GatedConnection& connection = *entry->second.connection;
  const bool flooded_before = !connection.flood().empty();
  const Outcome outcome =
      connection.OnEvent(static_cast<Side>(data & 1), events, scratch_.data(), now);
  Settle(entry, outcome, flooded_before);
}

void GateLoop::Tick(Time now) {
  ticked_ = now;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const bool flooded_before = !entry->second.connection->flood().empty();
    entry = Settle(entry, entry->second.connection->OnTime(now), flooded_before);
  }
}

GateLoop::Entries::iterator GateLoop::Settle(Entries::iterator entry, Outcome outcome,
                                             bool flooded_before) {
  GatedConnection& connection = *entry->second.connection;
  if (!flooded_before && !connection.flood().empty()) events_.flood(connection);
  if (outcome == Outcome::kOpen && Update(entry->first, entry->second)) return std::next(entry);
  if (outcome == Outcome::kGreeted) {
    epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, connection.number(Side::kClient), nullptr);
    events_.greeted(std::move(entry->second.connection));
  }
  return entries_.erase(entry);
}

bool GateLoop::Update(uint64_t id, Entry& entry) {
  for (const Side side : {Side::kClient, Side::kServer}) {
    uint32_t& awaited = entry.awaited[static_cast<size_t>(side)];
    const int number = entry.connection->number(side);
    const uint32_t wanted = number < 0 ? 0 : entry.connection->Awaits(side);
    if (wanted == awaited) continue;
    // A closed descriptor has left epoll already.
    if (number >= 0) {
      epoll_event event{wanted, {.u64 = id << 1 | static_cast<uint64_t>(side)}};
      const int change = awaited == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
      if (epoll_ctl(epoll_.number(), change, number, &event) != 0) return false;
    }
    awaited = wanted;
  }
  return true;
}

}  // namespace vico::server
