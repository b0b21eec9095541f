#include "server/objects/object_probe.h"

#include "common/exception_status.h"

namespace vico::server {
namespace {

// Each probe is three requests, which cost money.
constexpr absl::Duration kBetweenProbes = absl::Seconds(15);

}  // namespace

void ObjectProbe::Start() {
  if (objects_.remote()) {
    thread_ = std::make_unique<PeriodicThread>(kBetweenProbes, [this] { Try(); });
  }
}

absl::Status ObjectProbe::Now() const {
  const MutexLock lock(mutex_);
  return last_;
}

void ObjectProbe::Try() {
  absl::Status status;
  try {
    status = objects_.Probe();
  } catch (...) {
    status = StatusOfException();
  }
  bool changed = false;
  {
    const MutexLock lock(mutex_);
    changed = status.ok() != last_.ok();
    last_ = status;
  }
  if (!changed) return;
  if (status.ok()) {
    log_.Info("the object store answers again");
  } else {
    log_.Error("the object store fails", {{"error", status.ToString()}});
  }
}

}  // namespace vico::server
