// The defect applied_then_error_is_failure: a worker repeats a report under a new number after a
// transient error, so a report that the server has applied is applied twice.
#pragma once

#include <map>
#include <string>

#include "common/mutex.h"
#include "tests/fault/arena/forwarding_link.h"
#include "worker/job/retry.h"

namespace vico::fault {

/// Any thread.
class RenumberingLink final : public ForwardingLink {
 public:
  using ForwardingLink::ForwardingLink;

  absl::StatusOr<v1::ReportResponse> Report(const v1::ReportRequest& request,
                                            absl::Duration timeout) override {
    v1::ReportRequest renumbered = request;
    {
      const MutexLock lock(mutex_);
      renumbered.set_report_number(request.report_number() + errors_[request.lease_id()]);
    }
    auto answer = ForwardingLink::Report(renumbered, timeout);
    if (!answer.ok() && worker::IsTransient(answer.status())) {
      const MutexLock lock(mutex_);
      ++errors_[request.lease_id()];
    }
    return answer;
  }

 private:
  Mutex mutex_;
  std::map<std::string, uint64_t> errors_ ABSL_GUARDED_BY(mutex_);  // transient ones by lease
};

}  // namespace vico::fault
