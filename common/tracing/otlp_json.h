// Serializes spans for OpenTelemetry collectors: the JSON encoding of
// opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest.
// Source: OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/tracing/span.h"

namespace vico {

/// Attributes of the program that exports spans, for example {"service.name", "vico-server"}.
using SpanResource = std::vector<std::pair<std::string, std::string>>;

std::string OtlpJson(const SpanResource& resource, const std::vector<Span>& spans);

}  // namespace vico
