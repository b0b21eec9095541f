// The failpoint wal.mid_checkpoint: each write to a database file itself. With a write-ahead log
// only checkpoints write there, once the file has been made.
#pragma once

namespace vico::server {

#ifdef VICO_FAILPOINTS
/// Before the first database is opened; all that are opened later are watched.
void WatchCheckpoints();
#else
inline void WatchCheckpoints() {}
#endif

}  // namespace vico::server
