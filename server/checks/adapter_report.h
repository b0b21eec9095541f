// Checks what a worker says that it has measured.
#pragma once

#include <absl/status/status.h>

#include "vico/v1/adapter.pb.h"

namespace vico::server {

/// kInvalidArgument that names the field, below "evaluated.report", unless the report is one that
/// the server can store and show: at most 32 figures with names in lower_snake_case, different for
/// a network, texts that are plain, numbers that are finite, shares in 0..1, no more prompts, seeds
/// and losses than the report may have, and a contact sheet. A figure of one prompt may be NaN: it
/// says nothing of its pictures.
absl::Status CheckReportOf(const v1::AdapterReport& report);

}  // namespace vico::server
