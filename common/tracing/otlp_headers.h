// What a collector wants to see with each request, such as a key: OTEL_EXPORTER_OTLP_HEADERS.
// Source: OpenTelemetry Protocol Exporter, "Specifying headers via environment variables".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "common/sensitive.h"

namespace vico {

/// The name of a header and what it says.
using OtlpHeaders = std::vector<std::pair<std::string, Sensitive>>;

/// "name=value,name2=value2", the values percent-encoded where they have commas or blanks at their
/// ends; empty: none. kInvalidArgument, which names the member by its number and tells nothing of
/// it, for what HTTP cannot carry and for headers that the exporter sets itself.
absl::StatusOr<OtlpHeaders> ParseOtlpHeaders(const Sensitive& text);

/// OTEL_EXPORTER_OTLP_HEADERS, which is gone from this program's environment then: no child needs
/// it. Before there are threads.
Sensitive TakeOtlpHeaders();

}  // namespace vico
