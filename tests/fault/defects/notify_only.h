// The defect notify_only: a server trusts notifications of the others. It does not read again what
// is watched when it listens again after a gap; the intervals of the services are set apart.
#pragma once

namespace vico::fault {

/// From now on a gap in the notifications is not made good in this process.
void NotifyOnly();

}  // namespace vico::fault
