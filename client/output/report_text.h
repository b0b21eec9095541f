// An adapter's report as text.
#pragma once

#include <string>

#include "vico/v1/adapter.pb.h"

namespace vico::client {

/// A table of the figures before and after, the same of each prompt, and what was measured of the
/// masks and of the training. Ends with a line end.
std::string ReportText(const v1::AdapterReport& report);

}  // namespace vico::client
