// vico train, vico generate and vico jobs watch: commands that watch a job. After Ctrl-C the job
// keeps running and the command prints how to watch it again, or it cancels the job
// (--cancel-on-interrupt).
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/prompts_file.h"
#include "client/lib/local_file.h"
#include "client/output/job_view.h"
#include "client/output/output.h"
#include "common/status.h"

namespace vico::client {
namespace {

struct Watched {
  JobView& view;
  bool cancel_on_interrupt = false;
  bool pictures = false;
  std::string out;     // the value of --out, for the hint
  bool force = false;  // and --force
};

using StartWatch = std::function<absl::StatusOr<v1::Event>(const std::stop_token&)>;

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
    context.out << Printable(last.succeeded().adapter()) << '\n';
  }
  return kExitOk;
}

void PrintHowToContinue(const Watched& watched, CommandContext& context) {
  const std::string out = watched.out.empty() ? ""
                                              : fmt::format(" --out {}{}", Printable(watched.out),
                                                            watched.force ? " --force" : "");
  context.err << fmt::format(
      "stopped watching; the job keeps running\n"
      "  watch it again:  vico jobs watch {}{}\n"
      "  cancel it:       vico jobs cancel {}\n",
      watched.view.job(), out, watched.view.job());
}

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
  return Outcome(*last, context);
}

/// An error if the folder of a command's pictures cannot be written: before the job exists.
template <typename Command>
absl::Status CheckFolderOf(const Command& command) {
  return command.out.empty() ? absl::OkStatus() : WithField("--out", CheckWritable(command.out));
}

/// `prompt` is that of a generation.
template <typename Command>
std::optional<PictureFolder> FolderOf(const Command& command, const std::string& prompt) {
  if (command.out.empty()) return std::nullopt;
  return PictureFolder(command.out, prompt, command.force ? Existing::kReplace : Existing::kKeep);
}

CommandResult ShowChecked(const absl::StatusOr<v1::Job>& job, CommandContext& context) {
  RETURN_IF_ERROR(job.status());
  context.out << (context.json ? JsonLine(job->spec()) : job->spec().DebugString()) << '\n';
  context.err << "nothing was queued (--dry-run)\n";
  WarnIfNobodyServes(*job, context);
  return kExitOk;
}

/// One spec, or one for each prompt of the file.
absl::StatusOr<std::vector<v1::GenerateSpec>> SpecsOf(const Generate& command) {
  if (command.prompts_file.empty()) return std::vector<v1::GenerateSpec>{command.spec};
  const auto prompts = ReadPrompts(command.prompts_file);
  RETURN_IF_ERROR(WithField("--prompts", prompts.status()));
  std::vector<v1::GenerateSpec> specs(prompts->size(), command.spec);
  for (std::size_t i = 0; i < prompts->size(); ++i) specs[i].set_prompt((*prompts)[i]);
  return specs;
}

CommandResult GenerateOne(const Generate& command, const v1::GenerateSpec& spec,
                          CommandContext& context) {
  JobView view({.label = "generate",
                .json = context.json,
                .list_pictures = true,
                .folder = FolderOf(command, spec.prompt())},
               context.out, context.err, context.columns);
  const Watched watched{view, command.cancel_on_interrupt, true, command.out, command.force};
  return WatchToEnd(watched, context, [&](const std::stop_token& stop) {
    return context.client.Generate(spec, view, stop);
  });
}

void ShowDrawnSeeds(const std::vector<std::uint64_t>& seeds, CommandContext& context) {
  for (const std::uint64_t seed : seeds) context.err << fmt::format("seed {} (drawn)\n", seed);
}

}  // namespace

CommandResult Run(const Train& command, CommandContext& context) {
  RETURN_IF_ERROR(CheckFolderOf(command));
  ShowDrawnSeeds(command.drawn_seeds, context);
  if (command.dry_run) return ShowChecked(context.client.CheckTraining(command.spec), context);
  ASSIGN_OR_RETURN(const v1::Job job, context.client.CreateTrainingJob(command.spec));
  if (!command.watch) {
    context.out << (context.json ? JsonLine(job) : Printable(job.name())) << '\n';
    WarnIfNobodyServes(job, context);
    return kExitOk;
  }
  WarnIfNobodyServes(job, context);
  JobView view({.label = "train", .json = context.json, .folder = FolderOf(command, "")},
               context.out, context.err, context.columns);
  WatchOptions options;
  options.include_pictures = !command.out.empty();
  const Watched watched{view, command.cancel_on_interrupt, options.include_pictures, command.out,
                        command.force};
  return WatchToEnd(watched, context, [&](const std::stop_token& stop) {
    return context.client.WatchJob(job.name(), options, view, stop);
  });
}

CommandResult Run(const JobsWatch& command, CommandContext& context) {
  RETURN_IF_ERROR(CheckFolderOf(command));
  ASSIGN_OR_RETURN(const v1::Job job, context.client.GetJob(command.name));
  WarnIfNobodyServes(job, context);
  const bool training = job.kind() == v1::JOB_KIND_TRAINING;
  JobView view({.label = training ? "train" : "generate",
                .json = context.json,
                .list_pictures = !training,
                .folder = FolderOf(command, job.spec().generate().prompt())},
               context.out, context.err, context.columns);
  WatchOptions options;
  options.after_sequence = command.after_sequence;
  options.include_pictures = !command.out.empty();
  const Watched watched{view, command.cancel_on_interrupt, options.include_pictures, command.out,
                        command.force};
  return WatchToEnd(watched, context, [&](const std::stop_token& stop) {
    return context.client.WatchJob(job.name(), options, view, stop);
  });
}

CommandResult Run(const Generate& command, CommandContext& context) {
  // As an unset variable leaves it; the pictures would be lost.
  if (command.out.empty()) return absl::InvalidArgumentError("--out: must name a folder, got \"\"");
  RETURN_IF_ERROR(CheckFolderOf(command));
  ASSIGN_OR_RETURN(const std::vector<v1::GenerateSpec> specs, SpecsOf(command));
  ShowDrawnSeeds(command.drawn_seeds, context);
  CommandResult result = kExitOk;
  for (const v1::GenerateSpec& spec : specs) {
    result = command.dry_run ? ShowChecked(context.client.CheckGeneration(spec), context)
                             : GenerateOne(command, spec, context);
    if (!result.ok() || *result != kExitOk) return result;
  }
  return result;
}

}  // namespace vico::client
