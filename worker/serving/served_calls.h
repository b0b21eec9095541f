// The calls that run in an engine, each on a thread of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include <absl/status/status.h>

#include "common/mutex.h"
#include "vico/engine/v1/engine.pb.h"
#include "worker/engine/engine.h"
#include "worker/process/frame_channel.h"
#include "worker/serving/served_call.h"

namespace vico::worker {

/// The thread that reads the channel.
class ServedCalls {
 public:
  /// Keeps both.
  ServedCalls(Engine& engine, FrameChannel& channel) : engine_(engine), channel_(channel) {}
  ~ServedCalls() { JoinEnded(); }
  ServedCalls(const ServedCalls&) = delete;
  ServedCalls& operator=(const ServedCalls&) = delete;

  /// Begins a call, or hands a reply to one. Never waits for a call. kDataLoss for a message
  /// against the rules of engine.proto.
  absl::Status Take(engine::v1::ToEngine message);

  /// Shuts the channel down, so that all calls stop, and waits for their ends. Returns how many
  /// there were.
  size_t Break(const absl::Status& why);

 private:
  struct Running {
    std::shared_ptr<ServedCall> call;
    bool generates = false;
    std::thread thread;
  };

  absl::Status Begin(engine::v1::ToEngine request);
  absl::Status Reply(engine::v1::ToEngine reply);
  bool HasRoomFor(bool generation) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run(ServedCall& call, const engine::v1::ToEngine& request);
  void JoinEnded();

  Engine& engine_;
  FrameChannel& channel_;

  Mutex mutex_;
  CondVar changed_;
  std::map<uint64_t, Running> running_ ABSL_GUARDED_BY(mutex_);  // by number
  std::vector<std::thread> ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vico::worker
