#include "client/cli/watch_to_end.h"

#include <fmt/format.h>

#include "client/output/output.h"
#include "common/status.h"

namespace vico::client {
namespace {

ExitCode Outcome(const v1::Event& last, bool prints_adapter, CommandContext& context) {
  if (last.has_cancelled()) {
    context.err << "the job was cancelled\n";
    return kExitJobCancelled;
  }
  if (last.has_failed()) {
    context.err << "the job failed\n" << ErrorText(FromProto(last.failed().status()));
    return kExitJobFailed;
  }
  if (!context.json && prints_adapter && !last.succeeded().adapter().empty()) {
    context.out << Printable(last.succeeded().adapter()) << '\n';
  }
  return kExitOk;
}

void PrintHowToContinue(const Watched& watched, CommandContext& context) {
  context.err << fmt::format(
      "stopped watching; the job keeps running\n"
      "  watch it again:  vico jobs watch {}{}\n"
      "  cancel it:       vico jobs cancel {}\n",
      watched.view.job(), watched.options, watched.view.job());
}

}  // namespace

CommandResult WatchToEnd(const Watched& watched, CommandContext& context, const StartWatch& start) {
  absl::StatusOr<v1::Event> last = start(context.interrupt.Arm());
  context.interrupt.Disarm();
  const bool interrupted = absl::IsCancelled(last.status());
  if (interrupted && watched.cancel_on_interrupt && !watched.view.job().empty()) {
    RETURN_IF_ERROR(context.client.CancelJob(watched.view.job()).status());
    WatchOptions rest;
    rest.after_sequence = watched.view.sequence();
    rest.include_pictures = watched.pictures;
    last = context.client.WatchJob(watched.view.job(), rest, watched.view);
  }
  watched.view.Close();
  if (absl::IsCancelled(last.status())) {
    if (!watched.view.job().empty()) PrintHowToContinue(watched, context);
    return kExitInterrupted;
  }
  if (!last.ok()) {
    if (!watched.view.job().empty()) PrintHowToContinue(watched, context);
    return last.status();
  }
  return Outcome(*last, watched.prints_adapter, context);
}

std::unique_ptr<TerminalPictures> OpenTerminal(bool show, CommandContext& context) {
  if (!show) return nullptr;
  std::unique_ptr<TerminalPictures> terminal =
      context.open_terminal ? context.open_terminal() : nullptr;
  if (!terminal) context.err << "--show: there is no terminal, so nothing is drawn\n";
  return terminal;
}

CommandResult ShowChecked(const absl::StatusOr<v1::Job>& job, CommandContext& context) {
  RETURN_IF_ERROR(job.status());
  context.out << (context.json ? JsonLine(job->spec()) : job->spec().DebugString()) << '\n';
  context.err << "nothing was queued (--dry-run)\n";
  WarnIfNobodyServes(*job, context);
  return kExitOk;
}

void ShowDrawnSeeds(const std::vector<std::uint64_t>& seeds, CommandContext& context) {
  for (const std::uint64_t seed : seeds) context.err << fmt::format("seed {} (drawn)\n", seed);
}

}  // namespace vico::client
