#include "server/uploads/blob_upload.h"

#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "server/checks/request.h"
#include "server/jobs/job.h"
#include "server/resources/worker_name.h"

namespace vico::server {

absl::Status BlobUpload::ConsumeHeader(v1::PutBlobRequest::Header header) {
  if (writer_) return FieldError("header", "must come once, first");
  header_ = std::move(header);
  caller_.call->About(header_.job(), header_.lease_id());
  std::string tenant(kSystemTenant);
  if (header_.job().empty()) {
    RETURN_IF_ERROR(CheckBlobRef("header.blob", header_.blob(), kTokenizerBytes));
  } else {
    RETURN_IF_ERROR(CheckBlobRef("header.blob", header_.blob(), kResultBytes));
    ASSIGN_OR_RETURN(const Grant grant, stores_.jobs.FindLease(header_.job(), header_.lease_id()));
    RETURN_IF_ERROR(CheckHolder(caller_, grant.worker, header_.job()));
    tenant = grant.tenant;
  }
  ASSIGN_OR_RETURN(writer_, stores_.blobs.Create(tenant));
  return absl::OkStatus();
}

absl::Status BlobUpload::Consume(v1::PutBlobRequest message) {
  if (message.part_case() == v1::PutBlobRequest::kHeader) {
    return ConsumeHeader(std::move(*message.mutable_header()));
  }
  if (!writer_) return FieldError("header", "must come before the first data");
  RETURN_IF_ERROR(CheckChunk("data", message.data()));
  received_ += message.data().size();
  if (received_ > header_.blob().size_bytes()) {
    return FieldError("data",
                      fmt::format("exceeds the {} bytes announced", header_.blob().size_bytes()));
  }
  return writer_->Append(message.data());
}

absl::Status BlobUpload::Finish(v1::BlobRef& answer) {
  if (!writer_) return FieldError("header", "must be sent");
  if (received_ != header_.blob().size_bytes()) {
    return FieldError(
        "data", fmt::format("ended after {} of {} bytes", received_, header_.blob().size_bytes()));
  }
  ASSIGN_OR_RETURN(answer, writer_->Commit(header_.blob().sha256(), header_.blob().media_type()));
  if (header_.job().empty()) return absl::OkStatus();
  return stores_.jobs.NameUpload(header_.job(), header_.lease_id(), answer);
}

}  // namespace vico::server
