#include "common/status.h"

#include <absl/strings/cord.h>
#include <fmt/format.h>

#include "common/proto_time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace vico {
namespace {

constexpr std::string_view kTypePrefix = "type.googleapis.com/";
constexpr std::string_view kDomain = "vico";
constexpr absl::string_view kPrivateText = "vico/private-text";  // no type URL of a detail
constexpr size_t kMaxMessageBytes = 1024;

template <typename Detail>
std::string TypeUrl() {
  return std::string(kTypePrefix) + Detail::descriptor()->full_name();
}

template <typename Detail>
void SetDetail(absl::Status& status, const Detail& detail) {
  status.SetPayload(TypeUrl<Detail>(), absl::Cord(detail.SerializeAsString()));
}

template <typename Detail>
Detail GetDetail(const absl::Status& status) {
  Detail detail;
  const auto payload = status.GetPayload(TypeUrl<Detail>());
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) detail.Clear();
  return detail;
}

// The longest prefix of `text` that has at most kMaxMessageBytes and ends with a whole UTF-8
// character.
std::string_view CutMessage(std::string_view text) {
  if (text.size() <= kMaxMessageBytes) return text;
  size_t end = kMaxMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

absl::Status FieldError(std::string_view field, std::string_view message) {
  absl::Status status = Error(absl::StatusCode::kInvalidArgument,
                              fmt::format("{}: {}", field, message), "INVALID_FIELD");
  google::rpc::BadRequest bad_request;
  auto& violation = *bad_request.add_field_violations();
  violation.set_field(std::string(field));
  violation.set_description(std::string(CutMessage(message)));
  SetDetail(status, bad_request);
  return status;
}

absl::Status Error(absl::StatusCode code, std::string_view message, std::string_view reason) {
  return WithReason(absl::Status(code, ToAbsl(message)), reason);
}

absl::Status WithReason(absl::Status status, std::string_view reason) {
  if (status.ok()) return status;
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(std::string(kDomain));
  SetDetail(status, info);
  return status;
}

absl::Status WithRetryAfter(absl::Status status, absl::Duration delay) {
  if (status.ok()) return status;
  google::rpc::RetryInfo info;
  *info.mutable_retry_delay() = ToProto(delay);
  SetDetail(status, info);
  return status;
}

absl::Status WithQuota(absl::Status status, std::string_view subject, std::string_view limit) {
  if (status.ok()) return status;
  google::rpc::QuotaFailure failure;
  auto& violation = *failure.add_violations();
  violation.set_subject(std::string(subject));
  violation.set_description(std::string(CutMessage(limit)));
  SetDetail(status, failure);
  return status;
}

absl::Status WithPrivateText(absl::Status status, std::string_view text) {
  if (!status.ok()) status.SetPayload(kPrivateText, absl::Cord(ToAbsl(text)));
  return status;
}

std::string PrivateText(const absl::Status& status) {
  const auto text = status.GetPayload(kPrivateText);
  return text.has_value() ? std::string(*text) : "";
}

std::string Reason(const absl::Status& status) {
  return GetDetail<google::rpc::ErrorInfo>(status).reason();
}

absl::Duration RetryAfter(const absl::Status& status) {
  return FromProto(GetDetail<google::rpc::RetryInfo>(status).retry_delay());
}

std::string Field(const absl::Status& status) {
  const auto bad_request = GetDetail<google::rpc::BadRequest>(status);
  return bad_request.field_violations().empty() ? "" : bad_request.field_violations(0).field();
}

google::rpc::Status ToProto(const absl::Status& status) {
  google::rpc::Status proto;
  proto.set_code(static_cast<int>(status.code()));
  proto.set_message(std::string(CutMessage(ToStd(status.message()))));
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    if (type_url == kPrivateText) return;
    auto& detail = *proto.add_details();
    detail.set_type_url(std::string(type_url));
    detail.set_value(std::string(payload));
  });
  return proto;
}

absl::Status FromProto(const google::rpc::Status& proto) {
  const bool known =
      proto.code() >= 0 && proto.code() <= static_cast<int>(absl::StatusCode::kUnauthenticated);
  absl::Status status(
      known ? static_cast<absl::StatusCode>(proto.code()) : absl::StatusCode::kUnknown,
      proto.message());
  for (const auto& detail : proto.details()) {
    status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return status;
}

}  // namespace vico
