// What the server counts, in its own words; behind it Prometheus' families. Labels take a few
// values that the program knows: never an id, a tenant or anything a caller sent.
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
  /// A job began for the first time, so long after it was submitted.
  void Began(v1::JobKind kind, absl::Duration waited);
  void Stepped(v1::JobKind kind, double seconds_per_step);
  /// A job reached a terminal state, so long after it began.
  void Ended(v1::JobKind kind, v1::JobState outcome, absl::Duration took);
  /// An attempt ended in an error; `reason` is the ErrorInfo's.
  void AttemptFailed(std::string_view reason);
  /// A worker handed a job back, as it does when it drains.
  void Released();
  void LeasesRanOut(int count);
  void CancelAsked();

  enum class Direction { kIn, kOut };
  void BlobBytes(Direction direction, uint64_t bytes);

  /// `method` must be one of ours.
  void Called(const std::string& method, absl::StatusCode code, absl::Duration took);

  std::shared_ptr<prometheus::Collectable> collectable() const;

 private:
  struct Families;
  const std::shared_ptr<prometheus::Registry> registry_;
  const std::unique_ptr<Families> families_;
};

/// The values of the label `reason`: engine, memory, diverged, input, other.
std::string_view FailureLabel(std::string_view reason);

/// "training" or "generation".
std::string_view KindLabel(v1::JobKind kind);

}  // namespace vico::server
