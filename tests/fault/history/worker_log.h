// The log of a fake worker's calls: one JSON object a line, each written at once, so that nothing
// is lost when the worker is killed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vico::fault {

/// Microseconds of CLOCK_BOOTTIME, which all processes of a run share.
int64_t BootMicros();

struct WorkerRecord {
  std::string what;  ///< "register", "lease", "report", "finish"
  std::string worker;
  std::string job;
  std::string lease_id;
  int attempt = 0;
  int64_t called_us = 0;    ///< BootMicros at the call
  int64_t answered_us = 0;  ///< BootMicros at the answer; 0: none yet (a finish is logged twice)
  std::string code;         ///< "OK", "ABORTED", ...; empty without an answer
  int64_t step = 0;         ///< of a report: in its last progress event; 0 without one
  std::string outcome;      ///< of a finish: "trained", "generated", "failure", ...
  std::string blob;         ///< of a finish: digest of the adapter or of the first picture
};

/// Appends a line to `path`.
void AppendRecord(const std::string& path, const WorkerRecord& record);

/// All complete lines of the file; empty if the file does not exist.
std::vector<WorkerRecord> ReadRecords(const std::string& path);

}  // namespace vico::fault
