#include "server/metrics/call_log.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "server/access/method_roles.h"

namespace vico::server {
namespace {

/// A log with the identity of the call.
Log Of(const Log& log, const CallRecord& call) {
  const CallNotes& notes = call.notes;
  Log of = log.With({{"request_id", notes.request_id}, {"trace_id", notes.trace.trace_id}});
  if (!notes.job.empty()) of = of.With({{"job", notes.job}});
  if (!notes.lease.empty()) of = of.With({{"lease", notes.lease}});
  return of;
}

const MethodRoles* Find(const std::string& method) {
  const auto& table = MethodTable();
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const auto& entry) { return entry.method == method; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

void LogCall(const Log& log, const CallRecord& call) {
  const bool ours = absl::IsInternal(call.status) || absl::IsDataLoss(call.status) ||
                    absl::IsUnknown(call.status) || !PrivateText(call.status).empty();
  if (!ours && !log.WritesDebug()) return;
  const std::string code = absl::StatusCodeToString(call.status.code());
  const auto milliseconds = static_cast<double>(call.duration.count()) / 1000;
  if (ours) {
    const std::string message(call.status.message());
    Of(log, call).Error("call failed", {{"method", call.notes.method},
                                        {"code", code},
                                        {"ms", milliseconds},
                                        {"error", message},
                                        {"detail", PrivateText(call.status)}});
    return;
  }
  const std::string reason = Reason(call.status);
  Of(log, call).Debug("call", {{"method", call.notes.method},
                               {"code", code},
                               {"ms", milliseconds},
                               {"reason", reason},
                               {"field", Field(call.status)}});
}

void TraceCall(SpanSink* spans, const CallRecord& call) {
  const CallNotes& notes = call.notes;
  const MethodRoles* const method = Find(notes.method);
  if (spans == nullptr || !notes.trace.sampled || method == nullptr) return;
  // Workers poll all the time; their calls matter only as parts of a job's trace.
  if (method->roles.Meets({Role::kWorker}) && notes.parent_span_id.empty()) return;
  const std::string service = fmt::format("vico.v1.{}", method->service);
  Span span{.context = notes.trace,
            .parent_span_id = notes.parent_span_id,
            .name = fmt::format("{}/{}", service, notes.method),
            .kind = Span::Kind::kServer,
            .begin = notes.began,
            .end = notes.began + absl::FromChrono(call.duration),
            .attributes = {{"rpc.system", "grpc"},
                           {"rpc.service", service},
                           {"rpc.method", notes.method},
                           {"rpc.grpc.status_code", static_cast<int64_t>(call.status.code())},
                           {"vico.request_id", notes.request_id}}};
  if (!notes.job.empty()) span.attributes.emplace_back("vico.job", notes.job);
  AddStatus(call.status, span);
  spans->Add(std::move(span));
}

}  // namespace vico::server
