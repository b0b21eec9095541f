// Counters and histograms of the server, kept in Prometheus' families. Labels have few values, all
// known to the program: never an id, a tenant or text of a caller.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "vico/v1/job.pb.h"

namespace prometheus {
class Collectable;
class Registry;
}  // namespace prometheus

namespace vico::server {

/// Any thread.
class Metrics {
 public:
  /// `version` becomes the label of vico_build_info.
  explicit Metrics(std::string_view version);
  ~Metrics();

  void Submitted(v1::JobKind kind);
  /// A job started for the first time, `waited` after its submission.
  void Began(v1::JobKind kind, absl::Duration waited);
  void Stepped(v1::JobKind kind, double seconds_per_step);
  /// A job reached a terminal state, `duration` after its start.
  void Ended(v1::JobKind kind, v1::JobState outcome, absl::Duration duration);
  /// An attempt failed; `reason` is that of its ErrorInfo.
  void AttemptFailed(std::string_view reason);
  /// A worker returned a job, as a draining worker does.
  void Released();
  void LeasesExpired(int count);
  void CancelRequested();

  enum class Direction { kIn, kOut };
  void BlobBytes(Direction direction, uint64_t bytes);

  /// `method` is the name of a method of this server.
  void Called(const std::string& method, absl::StatusCode code, absl::Duration duration);

  std::shared_ptr<prometheus::Collectable> collectable() const;

 private:
  struct Families;
  const std::shared_ptr<prometheus::Registry> registry_;
  const std::unique_ptr<Families> families_;
};

/// The values of the label `reason`: engine, memory, diverged, input, other.
std::string_view FailureLabel(std::string_view reason);

}  // namespace vico::server
