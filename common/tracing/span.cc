#include "common/tracing/span.h"

#include "common/status.h"

namespace vico {

ActiveSpan::ActiveSpan(const Tracing& tracing, const Clock& clock, std::string_view name)
    : spans_(tracing.enabled() ? tracing.spans : nullptr), clock_(clock) {
  span_.context = tracing.parent;
  if (spans_ == nullptr) return;
  span_.context = ChildOf(tracing.parent);
  span_.parent_span_id = tracing.parent.span_id;
  span_.name = std::string(name);
  span_.begin = clock_.Now();
}

ActiveSpan::~ActiveSpan() {
  if (spans_ == nullptr) return;
  span_.end = clock_.Now();
  spans_->Add(std::move(span_));
}

void ActiveSpan::Set(std::string_view key, SpanValue value) {
  if (spans_ != nullptr) span_.attributes.emplace_back(std::string(key), std::move(value));
}

void ActiveSpan::SetStatus(const absl::Status& status) {
  if (spans_ != nullptr) AddStatus(status, span_);
}

void AddStatus(const absl::Status& status, Span& span) {
  if (status.ok()) return;
  span.failed = true;
  span.attributes.emplace_back("error.type", absl::StatusCodeToString(status.code()));
  if (std::string reason = Reason(status); !reason.empty()) {
    span.attributes.emplace_back("vico.reason", std::move(reason));
  }
}

}  // namespace vico
