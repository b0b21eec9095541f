// A thread that serves many gated connections with epoll.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include <absl/status/statusor.h>

#include "common/mutex.h"
#include "server/gate/descriptor.h"
#include "server/gate/gated_connection.h"

namespace vico::server {

class GateLoop {
 public:
  /// Called on the loop's thread.
  struct Events {
    /// Receives a connection when it is greeted.
    std::function<void(std::unique_ptr<GatedConnection>)> greeted;
    /// A client sends too much; the connection stays with the loop.
    std::function<void(const GatedConnection&)> flood;
  };

  /// kUnavailable when no file descriptors are left. `name` is the thread's.
  static absl::StatusOr<std::unique_ptr<GateLoop>> Start(const char* name, Events events);
  ~GateLoop() { Stop(std::chrono::milliseconds(0)); }

  /// Serves the connection, or closes it after Stop(). Any thread.
  void Adopt(std::unique_ptr<GatedConnection> connection);

  /// Closes connections that are not attached to gRPC, and waits until gRPC has closed the others,
  /// at most for `grace`.
  void Stop(std::chrono::milliseconds grace);

 private:
  using Time = GatedConnection::Time;
  using Side = GatedConnection::Side;
  using Outcome = GatedConnection::Outcome;
  struct Entry {
    std::unique_ptr<GatedConnection> connection;
    std::array<uint32_t, 2> awaited{};  // by Side; as epoll knows them
  };
  using Entries = std::unordered_map<uint64_t, Entry>;

  GateLoop(Events events, Descriptor epoll, Descriptor wake);

  void Run();
  void TakeInbox();
  void Serve(uint64_t data, uint32_t events, Time now);
  void Tick(Time now);
  /// Acts on the outcome of an entry and tells epoll what it waits for. Returns the next entry.
  Entries::iterator Settle(Entries::iterator entry, Outcome outcome, bool flooded_before);
  bool Update(uint64_t id, Entry& entry);

  const Events events_;
  const Descriptor epoll_;
  const Descriptor wake_;
  std::vector<char> scratch_;
  Entries entries_;
  uint64_t last_id_ = 0;
  Time ticked_{};
  std::atomic<bool> stopping_{false};
  Time stop_by_{};  // set before stopping_
  Mutex mutex_;
  std::vector<std::unique_ptr<GatedConnection>> inbox_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;  // last: it uses the other members
};

}  // namespace vico::server
