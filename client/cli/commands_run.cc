// vico train, vico generate, vico jobs watch: those that follow a job. Ctrl-C leaves the job
// running and says how to come back to it, or cancels it where that was asked for.
#include <functional>

#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/job_view.h"
#include "client/cli/output.h"
#include "common/status.h"

namespace vico::client {
namespace {

struct Follow {
  JobView& view;
  bool cancel_on_interrupt = false;
  bool pictures = false;
  std::string out;  // as the user gave it; for the hint
};

using Start = std::function<absl::StatusOr<v1::Event>(const std::stop_token&)>;

ExitCode Outcome(const v1::Event& last, CommandContext& context) {
  if (last.has_cancelled()) {
    context.err << "the job was cancelled\n";
    return kExitJobCancelled;
  }
  if (last.has_failed()) {
    context.err << "the job failed\n" << ErrorText(FromProto(last.failed().status()));
    return kExitJobFailed;
  }
  if (!context.json && !last.succeeded().adapter().empty()) {
    context.out << last.succeeded().adapter() << '\n';
  }
  return kExitOk;
}

void SayHowToComeBack(const Follow& follow, CommandContext& context) {
  const std::string out = follow.out.empty() ? "" : fmt::format(" --out {}", follow.out);
  context.err << fmt::format(
      "no longer watching; the job goes on\n"
      "  watch it again:  vico jobs watch {}{}\n"
      "  cancel it:       vico jobs cancel {}\n",
      follow.view.job(), out, follow.view.job());
}

CommandResult FollowToEnd(const Follow& follow, CommandContext& context, const Start& start) {
  absl::StatusOr<v1::Event> last = start(context.interrupt.Arm());
  context.interrupt.Disarm();
  const bool interrupted = absl::IsCancelled(last.status());
  if (interrupted && follow.cancel_on_interrupt && !follow.view.job().empty()) {
    RETURN_IF_ERROR(context.client.CancelJob(follow.view.job()).status());
    WatchOptions rest;
    rest.after_sequence = follow.view.sequence();
    rest.include_pictures = follow.pictures;
    last = context.client.WatchJob(follow.view.job(), rest, follow.view);
  }
  follow.view.Close();
  if (absl::IsCancelled(last.status())) {
    if (!follow.view.job().empty()) SayHowToComeBack(follow, context);
    return kExitInterrupted;
  }
  if (!last.ok()) {
    if (!follow.view.job().empty()) SayHowToComeBack(follow, context);
    return last.status();
  }
  return Outcome(*last, context);
}

std::optional<PictureFolder> FolderAt(const std::string& path) {
  if (path.empty()) return std::nullopt;
  return PictureFolder(path);
}

}  // namespace

CommandResult Run(const Train& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Job job, context.client.CreateTrainingJob(command.spec));
  if (!command.watch) {
    context.out << (context.json ? JsonLine(job) : job.name()) << '\n';
    return kExitOk;
  }
  JobView view({.label = "train", .json = context.json, .folder = FolderAt(command.out)},
               context.out, context.err, context.columns);
  WatchOptions options;
  options.include_pictures = !command.out.empty();
  const Follow follow{view, command.cancel_on_interrupt, options.include_pictures, command.out};
  return FollowToEnd(follow, context, [&](const std::stop_token& stop) {
    return context.client.WatchJob(job.name(), options, view, stop);
  });
}

CommandResult Run(const JobsWatch& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Job job, context.client.GetJob(command.name));
  const bool training = job.kind() == v1::JOB_KIND_TRAINING;
  JobView view({.label = training ? "train" : "generate",
                .json = context.json,
                .list_pictures = !training,
                .folder = FolderAt(command.out)},
               context.out, context.err, context.columns);
  WatchOptions options;
  options.after_sequence = command.after_sequence;
  options.include_pictures = !command.out.empty();
  const Follow follow{view, command.cancel_on_interrupt, options.include_pictures, command.out};
  return FollowToEnd(follow, context, [&](const std::stop_token& stop) {
    return context.client.WatchJob(job.name(), options, view, stop);
  });
}

CommandResult Run(const Generate& command, CommandContext& context) {
  JobView view({.label = "generate",
                .json = context.json,
                .list_pictures = true,
                .folder = FolderAt(command.out)},
               context.out, context.err, context.columns);
  const Follow follow{view, command.cancel_on_interrupt, true, command.out};
  return FollowToEnd(follow, context, [&](const std::stop_token& stop) {
    return context.client.Generate(command.spec, view, stop);
  });
}

}  // namespace vico::client
