// The failpoint wal.mid_checkpoint: each write to a database file itself. With a write-ahead log
// only checkpoints write there, after the file has been created.
#pragma once

namespace vico::server {

#ifdef VICO_FAILPOINTS
/// Must be called before the first database is opened. Applies to all that are opened later.
void WatchCheckpoints();
#else
inline void WatchCheckpoints() {}
#endif

}  // namespace vico::server
