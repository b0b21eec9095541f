#include "common/status.h"

#include <vector>

#include <absl/strings/cord.h>
#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "common/plain_text.h"
#include "common/proto_time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace vico {
namespace {

constexpr std::string_view kTypePrefix = "type.googleapis.com/";
constexpr std::string_view kDomain = "vico";
constexpr absl::string_view kPrivateText = "vico/private-text";  // no type URL of a detail
constexpr size_t kMostDetailBytes =
    4096;  // of all together; gRPC's clients accept 8 KiB of metadata

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

// Every text of a status passes through here: it is read in other languages, in logs and on
// terminals.
std::string StatusText(std::string_view text) { return PlainText(text); }

// The same for each string of a detail.
void MakePlain(google::protobuf::Message& message) {
  const auto& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) {
      if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
        MakePlain(field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, i)
                                       : *reflection.MutableMessage(&message, field));
      } else if (field->type() == google::protobuf::FieldDescriptor::TYPE_STRING) {
        if (field->is_repeated()) {
          reflection.SetRepeatedString(&message, field, i,
                                       StatusText(reflection.GetRepeatedString(message, field, i)));
        } else {
          reflection.SetString(&message, field, StatusText(reflection.GetString(message, field)));
        }
      }
    }
  }
}

// The detail in `payload` with plain texts; empty when it is none of this type.
template <typename Detail>
std::string PlainDetail(absl::string_view type_url, const absl::Cord& payload) {
  Detail detail;
  if (type_url != TypeUrl<Detail>() || !detail.ParseFromString(std::string(payload))) return "";
  detail.DiscardUnknownFields();
  MakePlain(detail);
  return detail.SerializeAsString();
}

}  // namespace

absl::Status FieldError(std::string_view field, std::string_view message) {
  absl::Status status = Error(absl::StatusCode::kInvalidArgument,
                              fmt::format("{}: {}", field, message), "INVALID_FIELD");
  google::rpc::BadRequest bad_request;
  auto& violation = *bad_request.add_field_violations();
  violation.set_field(StatusText(field));
  violation.set_description(StatusText(message));
  SetDetail(status, bad_request);
  return status;
}

absl::Status Error(absl::StatusCode code, std::string_view message, std::string_view reason) {
  return WithReason(absl::Status(code, ToAbsl(StatusText(message))), reason);
}

absl::Status WithReason(absl::Status status, std::string_view reason) {
  if (status.ok()) return status;
  google::rpc::ErrorInfo info;
  info.set_reason(StatusText(reason));
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
  violation.set_subject(StatusText(subject));
  violation.set_description(StatusText(limit));
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
  proto.set_message(StatusText(ToStd(status.message())));
  size_t detail_bytes = 0;
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    for (const auto plain :
         {PlainDetail<google::rpc::BadRequest>, PlainDetail<google::rpc::ErrorInfo>,
          PlainDetail<google::rpc::RetryInfo>, PlainDetail<google::rpc::QuotaFailure>}) {
      std::string value = plain(type_url, payload);
      if (value.empty() || detail_bytes + value.size() > kMostDetailBytes) continue;
      detail_bytes += value.size();
      auto& detail = *proto.add_details();
      detail.set_type_url(std::string(type_url));
      detail.set_value(std::move(value));
    }
  });
  return proto;
}

absl::Status FromProto(const google::rpc::Status& proto) {
  const bool known =
      proto.code() >= 0 && proto.code() <= static_cast<int>(absl::StatusCode::kUnauthenticated);
  absl::Status status(
      known ? static_cast<absl::StatusCode>(proto.code()) : absl::StatusCode::kUnknown,
      ToAbsl(StatusText(proto.message())));
  for (const auto& detail : proto.details()) {
    status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return status;
}

}  // namespace vico
