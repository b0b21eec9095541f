#include "server/cli/command_output.h"

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {
namespace {

std::string AdviceFor(const std::string& reason, const std::string& data) {
  constexpr std::string_view kRestore =
      "restore the newest backup into a new folder with `vico-server restore --from BACKUP --data "
      "NEW_FOLDER`, and start the server with `--data NEW_FOLDER`. See \"A damaged database\" in "
      "docs/operators-guide.md.";
  if (reason == "DATABASE_DAMAGED") {
    return fmt::format(
        "The database in {} is damaged. Keep the folder for inspection, start no server on it, {}",
        data, kRestore);
  }
  if (reason == "DATABASE_DISK_FAILED") {
    return fmt::format(
        "The disk of {} failed. Look for its errors in the kernel's log. When it is sound, start "
        "the server again. If the database is damaged then, {}",
        data, kRestore);
  }
  if (reason == "DATABASE_READ_ONLY") {
    return fmt::format("Give the user of the server write access to all files in {}.", data);
  }
  if (reason == "DISK_FULL") return fmt::format("Make room on the disk of {}.", data);
  return "";
}

}  // namespace

int EndedByDisk(const absl::Status& status, const std::string& data) {
  const int exit_code = Ended(status);
  if (!Reason(status).empty()) {
    std::fprintf(stderr, "vico-server: reason: %s\n", std::string(Reason(status)).c_str());
  }
  const std::string advice = AdviceFor(Reason(status), data);
  if (!advice.empty()) std::fprintf(stderr, "vico-server: %s\n", advice.c_str());
  return exit_code;
}

}  // namespace vico::server
