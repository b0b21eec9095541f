// Events that several tests report.
#pragma once

#include <string>

#include "vico/v1/job.pb.h"

namespace vico::worker {

inline v1::Event WarningEvent(const std::string& reason) {
  v1::Event event;
  event.mutable_warning()->set_reason(reason);
  return event;
}

}  // namespace vico::worker
