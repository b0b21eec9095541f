// Spans as OpenTelemetry's collectors take them: the JSON encoding of
// opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest.
// Source: OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/tracing/span.h"

namespace vico {

/// What the spans come from, as {"service.name", "vico-server"}.
using SpanResource = std::vector<std::pair<std::string, std::string>>;

std::string OtlpJson(const SpanResource& resource, const std::vector<Span>& spans);

}  // namespace vico
