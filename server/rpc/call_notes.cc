#include "server/rpc/call_notes.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/ids.h"

namespace vico::server {
namespace {

constexpr char kRequestId[] = "x-request-id";
constexpr std::string_view kLease = "lease_";

std::vector<std::string> Values(const grpc::ServerContextBase& context, const char* key) {
  std::vector<std::string> values;
  const auto [first, last] = context.client_metadata().equal_range(key);
  for (auto entry = first; entry != last; ++entry) {
    values.emplace_back(entry->second.data(), entry->second.size());
  }
  return values;
}

bool IsLeaseId(std::string_view text) {
  return text.starts_with(kLease) &&
         IdInName("lease_id", "jobs", JobName(text.substr(kLease.size()))).ok();
}

}  // namespace

bool IsCallId(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

void CallNotes::About(std::string_view job_name, std::string_view lease_id) {
  const auto add = [](std::string& all, std::string_view one) {
    if (all.find(one) == std::string::npos)
      fmt::format_to(std::back_inserter(all), "{}{}", all.empty() ? "" : " ", one);
  };
  if (IdInName("job", "jobs", job_name).ok()) add(job, job_name);
  if (IsLeaseId(lease_id)) add(lease, lease_id);
}

std::shared_ptr<CallNotes> NoteCall(grpc::ServerContextBase& context, std::string_view method) {
  auto notes = std::make_shared<CallNotes>();
  notes->method = std::string(method);
  const std::vector<std::string> ids = Values(context, kRequestId);
  notes->request_id = ids.size() == 1 && IsCallId(ids.front()) ? ids.front() : NewId();
  context.AddInitialMetadata(kRequestId, notes->request_id);

  const std::vector<std::string> parents = Values(context, "traceparent");
  const std::string state = fmt::format("{}", fmt::join(Values(context, "tracestate"), ","));
  const auto parent = parents.size() == 1 ? ParseTraceparent(parents.front(), state) : std::nullopt;
  if (parent) {
    notes->trace = ChildOf(*parent);
    notes->parent_span_id = parent->span_id;
  } else {
    notes->trace = NewTrace();
  }
  return notes;
}

}  // namespace vico::server
