// The defect watch_restarts_at_0: a watch ignores the number of the last event that the client has.
#pragma once

namespace vico::fault {

/// Every server that this process starts later sends all events of a job to each watch. Call it
/// before the first server starts.
void RestartWatchesAt0();

}  // namespace vico::fault
