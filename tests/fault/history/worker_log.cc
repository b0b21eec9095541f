#include "tests/fault/history/worker_log.h"

#include <cstdlib>
#include <ctime>
#include <fstream>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace vico::fault {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(WorkerRecord, what, worker, job, lease_id, attempt, called_us,
                                   answered_us, code, step, outcome, blob)

int64_t BootMicros() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

void AppendRecord(const std::string& path, const WorkerRecord& record) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) std::abort();  // a run without its log cannot be checked
  const std::string line = nlohmann::json(record).dump() + "\n";
  if (write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
  close(fd);
}

std::vector<WorkerRecord> ReadRecords(const std::string& path) {
  std::vector<WorkerRecord> records;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_discarded()) records.push_back(json.get<WorkerRecord>());
  }
  return records;
}

}  // namespace vico::fault
