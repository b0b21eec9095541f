#include "common/field_errors.h"

#include <string>
#include <utility>

#include <absl/strings/cord.h>

#include "common/plain_text.h"
#include "common/status.h"
#include "google/rpc/error_details.pb.h"

namespace vico {
namespace {

constexpr absl::string_view kBadRequest = "type.googleapis.com/google.rpc.BadRequest";
// gRPC's clients accept 8 KiB of metadata, in which a status travels twice and encoded.
constexpr size_t kMaxDetailBytes = 1536;
constexpr size_t kMaxDescriptionBytes = 200;  // of one of several

google::rpc::BadRequest ViolationsOf(const absl::Status& status) {
  google::rpc::BadRequest violations;
  const auto payload = status.GetPayload(kBadRequest);
  if (!payload.has_value() || !violations.ParseFromString(std::string(*payload))) {
    violations.Clear();
  }
  return violations;
}

}  // namespace

void FieldErrors::Add(absl::Status status) {
  if (!status.ok()) errors_.push_back(std::move(status));
}

void FieldErrors::Add(std::string_view field, std::string_view message) {
  Add(FieldError(field, message));
}

absl::Status FieldErrors::status() const {
  if (errors_.empty()) return absl::OkStatus();
  if (errors_.size() == 1) return errors_.front();
  google::rpc::BadRequest all;
  std::string message;
  for (const absl::Status& error : errors_) {
    if (Field(error).empty()) return error;
    if (!message.empty()) message += "; ";
    message += ToStd(error.message());
    const google::rpc::BadRequest violations = ViolationsOf(error);
    for (const auto& violation : violations.field_violations()) {
      auto& added = *all.add_field_violations();
      added.set_field(violation.field());
      added.set_description(PlainText(violation.description(), kMaxDescriptionBytes));
      if (all.ByteSizeLong() > kMaxDetailBytes) all.mutable_field_violations()->RemoveLast();
    }
  }
  absl::Status status = Error(absl::StatusCode::kInvalidArgument, message, "INVALID_FIELD");
  status.SetPayload(kBadRequest, absl::Cord(all.SerializeAsString()));
  return status;
}

}  // namespace vico
