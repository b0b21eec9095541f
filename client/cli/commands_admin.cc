// vico admin workers|queue|drain.
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "client/cli/commands.h"
#include "client/cli/print_list.h"
#include "client/output/output.h"
#include "common/status.h"

namespace vico::client {
namespace {

std::string WorkerState(const v1::Worker& worker) {
  if (!worker.alive()) return "gone";
  if (!worker.draining()) return worker.jobs().empty() ? "idle" : "busy";
  return worker.jobs().empty() ? "drained" : "draining";
}

std::vector<std::string> WorkerRow(const v1::Worker& worker) {
  return {worker.name(),
          worker.device(),
          worker.build_version(),
          WorkerState(worker),
          worker.jobs().empty() ? "-" : fmt::format("{}", fmt::join(worker.jobs(), " ")),
          worker.load().memory_bytes() == 0 ? "-" : SizeText(worker.load().memory_bytes()),
          fmt::format("{}", worker.load().loaded_adapters()),
          TimeText(worker.heard_time())};
}

void Print(const std::vector<v1::Worker>& workers, CommandContext& context) {
  PrintItems(
      workers,
      {"WORKER", "DEVICE", "VERSION", "STATE", "JOBS", "MEMORY", "ADAPTERS", "LAST CONTACT (UTC)"},
      WorkerRow, context);
}

std::vector<std::string> QueueRow(const v1::Queue::Line& line) {
  return {line.tenant(), KindText(line.kind()), fmt::format("{}", line.waiting()),
          fmt::format("{}", line.running()),
          line.waiting() == 0 ? "-" : fmt::format("{} s", line.oldest_wait().seconds())};
}

}  // namespace

CommandResult Run(const AdminWorkers& /*command*/, CommandContext& context) {
  ASSIGN_OR_RETURN(const auto admin, context.open_admin());
  ASSIGN_OR_RETURN(const auto workers, admin->ListWorkers());
  Print(workers, context);
  return kExitOk;
}

CommandResult Run(const AdminQueue& /*command*/, CommandContext& context) {
  ASSIGN_OR_RETURN(const auto admin, context.open_admin());
  ASSIGN_OR_RETURN(const v1::Queue queue, admin->GetQueue());
  PrintItems(queue.lines(), {"TENANT", "KIND", "QUEUED", "RUNNING", "OLDEST"}, QueueRow, context);
  return kExitOk;
}

CommandResult Run(const AdminDrain& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const auto admin, context.open_admin());
  ASSIGN_OR_RETURN(const v1::Worker worker, admin->DrainWorker(command.worker, command.undo));
  Print({worker}, context);
  return kExitOk;
}

}  // namespace vico::client
