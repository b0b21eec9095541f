#include "tests/fault/defects/notify_only.h"

#include <atomic>

namespace vico::fault {
namespace {

std::atomic<bool> only_notifications{false};

}  // namespace

void NotifyOnly() { only_notifications = true; }

}  // namespace vico::fault

// The linker option --wrap prescribes these names: EventFeed::ReceivedUnknown().
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

void __real__ZN4vico6server9EventFeed15ReceivedUnknownEv(void* feed);

void __wrap__ZN4vico6server9EventFeed15ReceivedUnknownEv(void* feed) {
  if (!vico::fault::only_notifications) __real__ZN4vico6server9EventFeed15ReceivedUnknownEv(feed);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
