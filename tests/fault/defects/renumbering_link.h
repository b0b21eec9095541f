// The defect applied_then_error_is_failure: a worker repeats a report under a new number after a
// transient error, so a report that the server has applied is applied twice.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <utility>

#include "common/mutex.h"
#include "worker/job/retry.h"
#include "worker/job/server_link.h"

namespace vico::fault {

/// Any thread.
class RenumberingLink final : public worker::ServerLink {
 public:
  /// `link` must outlive this object.
  explicit RenumberingLink(worker::ServerLink& link) : link_(link) {}

  absl::StatusOr<v1::RegisterResponse> Register(const v1::RegisterRequest& request) override {
    return link_.Register(request);
  }
  absl::StatusOr<v1::LeaseResponse> Lease(const v1::LeaseRequest& request,
                                          std::stop_token stop) override {
    return link_.Lease(request, std::move(stop));
  }
  absl::StatusOr<v1::ReportResponse> Report(const v1::ReportRequest& request,
                                            absl::Duration timeout) override {
    v1::ReportRequest renumbered = request;
    {
      const MutexLock lock(mutex_);
      renumbered.set_report_number(request.report_number() + errors_[request.lease_id()]);
    }
    auto answer = link_.Report(renumbered, timeout);
    if (!answer.ok() && worker::IsTransient(answer.status())) {
      const MutexLock lock(mutex_);
      ++errors_[request.lease_id()];
    }
    return answer;
  }
  absl::StatusOr<v1::FinishResponse> Finish(const v1::FinishRequest& request) override {
    return link_.Finish(request);
  }
  absl::StatusOr<std::string> GetBlob(const v1::BlobRef& blob,
                                      const worker::LeaseKey& lease) override {
    return link_.GetBlob(blob, lease);
  }
  absl::Status PutBlob(const v1::BlobRef& blob, std::string_view bytes,
                       const worker::LeaseKey& lease) override {
    return link_.PutBlob(blob, bytes, lease);
  }

 private:
  worker::ServerLink& link_;
  Mutex mutex_;
  std::map<std::string, uint64_t> errors_ ABSL_GUARDED_BY(mutex_);  // transient ones by lease
};

}  // namespace vico::fault
