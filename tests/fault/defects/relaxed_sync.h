// The defect synchronous_normal: SQLite does not sync its write-ahead log at a commit.
#pragma once

namespace vico::fault {

/// While it exists, every SQLite database that this process opens has synchronous = NORMAL, and
/// later changes of that setting have no effect. One at a time in a process.
class RelaxedSync {
 public:
  RelaxedSync();
  ~RelaxedSync();
  RelaxedSync(const RelaxedSync&) = delete;
  RelaxedSync& operator=(const RelaxedSync&) = delete;
};

}  // namespace vico::fault
