// Parses OTEL_EXPORTER_OTLP_HEADERS: headers, such as a key, that a collector requires.
// Source: OpenTelemetry Protocol Exporter, "Specifying headers via environment variables".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "common/crypto/sensitive.h"

namespace vico {

/// Names and values.
using OtlpHeaders = std::vector<std::pair<std::string, Sensitive>>;

/// Parses "name=value,name2=value2". Values are percent-encoded if they contain commas or start or
/// end with blanks. Empty: no headers. kInvalidArgument for names and values that HTTP does not
/// allow, and for headers that the exporter sets; the message has the number of the member but not
/// its text.
absl::StatusOr<OtlpHeaders> ParseOtlpHeaders(const Sensitive& text);

/// Reads OTEL_EXPORTER_OTLP_HEADERS and removes it from the environment, since children do not need
/// it. Call it before the program starts threads.
Sensitive TakeOtlpHeaders();

}  // namespace vico
