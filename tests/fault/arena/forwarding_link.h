// A base class of links that forward most calls to another link.
#pragma once

#include <stop_token>
#include <string>
#include <utility>

#include "worker/job/server_link.h"

namespace vico::fault {

/// Any thread.
class ForwardingLink : public worker::ServerLink {
 public:
  /// `link` must outlive this object.
  explicit ForwardingLink(worker::ServerLink& link) : link_(link) {}

  absl::StatusOr<v1::RegisterResponse> Register(const v1::RegisterRequest& request) override {
    return link_.Register(request);
  }
  absl::StatusOr<v1::LeaseResponse> Lease(const v1::LeaseRequest& request,
                                          std::stop_token stop) override {
    return link_.Lease(request, std::move(stop));
  }
  absl::StatusOr<v1::ReportResponse> Report(const v1::ReportRequest& request,
                                            absl::Duration timeout) override {
    return link_.Report(request, timeout);
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
};

}  // namespace vico::fault
