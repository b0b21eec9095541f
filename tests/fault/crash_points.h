// The failpoints of the crash sweep: the hit at which each runs, and what a run needs to reach it.
#pragma once

#include <string>
#include <vector>

namespace vico::fault {

struct CrashPoint {
  std::string name;
  bool in_server = true;
  int hit = 3;
  std::string error = "UNAVAILABLE";  ///< code of the error action
  int jobs = 20;
  std::string helper{};  ///< a failpoint of a worker that is needed to reach this one
  std::vector<std::string> server_flags{};  ///< needed to reach it
  bool drain_workers = false;               ///< workers get SIGTERM, one after another
};

inline std::vector<CrashPoint> CrashPoints() {
  return {
      {.name = "blob.before_fsync", .hit = 10},
      {.name = "blob.after_rename", .hit = 10},
      {.name = "submit.after_commit"},
      {.name = "lease.after_commit"},
      {.name = "report.after_commit", .hit = 7},
      {.name = "finish.before_commit"},
      {.name = "finish.after_commit"},
      {.name = "cancel.after_commit", .hit = 1},
      {.name = "housekeeping.between_rows", .hit = 1, .helper = "mid_step=kill9@1"},
      {.name = "watch.mid_stream", .hit = 20},
      {.name = "migrate.mid", .hit = 1},
      {.name = "database.after_commit", .hit = 25},
      {.name = "wal.mid_checkpoint", .hit = 40, .jobs = 60},
      // Blobs are collected at an age of half a second. Checkpoints are garbage once a training
      // ends.
      {.name = "gc.before_unlink", .jobs = 250, .server_flags = {"--garbage-hours=0.00014"}},
      {.name = "after_lease", .in_server = false, .hit = 2},
      {.name = "mid_step", .in_server = false, .hit = 2, .error = "INTERNAL"},
      {.name = "report.before_send", .in_server = false, .hit = 3},
      {.name = "result.mid_upload", .in_server = false, .hit = 2},
      {.name = "ckpt.mid_copy", .in_server = false, .hit = 1},
      {.name = "ckpt.mid_upload", .in_server = false, .hit = 1},
      {.name = "ckpt.before_report", .in_server = false, .hit = 1},
      {.name = "drain.mid_checkpoint", .in_server = false, .hit = 1, .drain_workers = true},
      {.name = "generate.mid_image", .in_server = false, .hit = 1, .error = "INTERNAL"},
      {.name = "result.before_finish", .in_server = false, .hit = 2},
      {.name = "finish.reply_lost", .in_server = false, .hit = 2},
  };
}

}  // namespace vico::fault
