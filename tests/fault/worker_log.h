// What a fake worker writes down of its calls, one JSON object a line, so that nothing is lost when
// it is killed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vico {

/// Microseconds of CLOCK_BOOTTIME: one clock for all processes of a run.
int64_t BootMicros();

struct WorkerRecord {
  std::string what;  ///< "register", "lease", "report", "finish"
  std::string worker;
  std::string job;
  std::string lease_id;
  int attempt = 0;
  int64_t called_us = 0;    ///< BootMicros when the call began
  int64_t answered_us = 0;  ///< and when its answer came; 0: none yet (a finish is noted twice)
  std::string code;         ///< "OK", "ABORTED", ...; empty without an answer
  int64_t step = 0;         ///< report: of its last progress event; 0 without one
  std::string outcome;      ///< finish: "trained", "generated", "failure", ...
  std::string blob;         ///< finish: digest of the adapter or of the first picture
};

/// Appends a line to `path`.
void AppendRecord(const std::string& path, const WorkerRecord& record);

/// All whole lines of the file; none when it is not there.
std::vector<WorkerRecord> ReadRecords(const std::string& path);

}  // namespace vico
