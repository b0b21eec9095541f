// vico train, vico generate and vico jobs watch: commands that watch a job.
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/labels.h"
#include "client/cli/prompts_file.h"
#include "client/cli/watch_to_end.h"
#include "client/lib/local_file.h"
#include "client/output/job_view.h"
#include "client/output/output.h"
#include "common/status.h"

namespace vico::client {
namespace {

/// An error if the folder of a command's pictures cannot be written: before the job exists.
template <typename Command>
absl::Status CheckFolderOf(const Command& command) {
  return command.out.empty() ? absl::OkStatus() : WithField("--out", CheckWritable(command.out));
}

/// `prompt` is that of a generation.
template <typename Command>
std::optional<PictureFolder> FolderOf(const Command& command, const std::string& prompt) {
  if (command.out.empty()) return std::nullopt;
  return PictureFolder(command.out, prompt,
                       {command.force ? Existing::kReplace : Existing::kKeep,
                        command.no_metadata ? Metadata::kRemove : Metadata::kKeep});
}

/// The options of `jobs watch` that go on as the command does.
template <typename Command>
std::string OptionsOf(const Command& command) {
  std::string options;
  if (!command.out.empty()) options += fmt::format(" --out {}", Printable(command.out));
  if (!command.out.empty() && command.force) options += " --force";
  if (!command.out.empty() && command.no_metadata) options += " --no-metadata";
  if (command.show) options += " --show";
  return options;
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
                          TerminalPictures* terminal, CommandContext& context) {
  absl::Status labelled;
  const auto set_labels = [&](const std::string& job) {
    labelled = SetLabels(job, command.labels, context.client);
    if (!labelled.ok()) context.err << ErrorText(labelled) << std::flush;
  };
  JobView view({.label = "generate",
                .json = context.json,
                .list_pictures = true,
                .folder = FolderOf(command, spec.prompt()),
                .terminal = terminal,
                .on_job = set_labels},
               context.out, context.err, context.columns);
  const Watched watched{view, command.cancel_on_interrupt, true, OptionsOf(command)};
  const CommandResult result = WatchToEnd(watched, context, [&](const std::stop_token& stop) {
    return context.client.Generate(spec, view, stop);
  });
  if (!result.ok() || *result != kExitOk || labelled.ok()) return result;
  return ExitCodeOf(labelled);
}

}  // namespace

CommandResult Run(const Train& command, CommandContext& context) {
  RETURN_IF_ERROR(CheckFolderOf(command));
  ShowDrawnSeeds(command.drawn_seeds, context);
  if (command.dry_run) return ShowChecked(context.client.CheckTraining(command.spec), context);
  ASSIGN_OR_RETURN(const v1::Job job, context.client.CreateTrainingJob(command.spec));
  const absl::Status labelled = SetLabels(job.name(), command.labels, context.client);
  if (!command.watch) {
    context.out << (context.json ? JsonLine(job) : Printable(job.name())) << '\n';
    WarnIfNobodyServes(job, context);
    RETURN_IF_ERROR(labelled);
    return kExitOk;
  }
  if (!labelled.ok()) context.err << ErrorText(labelled);
  WarnIfNobodyServes(job, context);
  const std::unique_ptr<TerminalPictures> terminal = OpenTerminal(command.show, context);
  JobView view({.label = "train",
                .json = context.json,
                .folder = FolderOf(command, ""),
                .terminal = terminal.get()},
               context.out, context.err, context.columns);
  WatchOptions options;
  options.include_pictures = !command.out.empty() || terminal != nullptr;
  const Watched watched{view, command.cancel_on_interrupt, options.include_pictures,
                        OptionsOf(command)};
  const CommandResult result = WatchToEnd(watched, context, [&](const std::stop_token& stop) {
    return context.client.WatchJob(job.name(), options, view, stop);
  });
  if (!result.ok() || *result != kExitOk || labelled.ok()) return result;
  return ExitCodeOf(labelled);
}

CommandResult Run(const JobsWatch& command, CommandContext& context) {
  RETURN_IF_ERROR(CheckFolderOf(command));
  ASSIGN_OR_RETURN(const v1::Job job, context.client.GetJob(command.name));
  WarnIfNobodyServes(job, context);
  const bool training = job.kind() == v1::JOB_KIND_TRAINING;
  const std::unique_ptr<TerminalPictures> terminal = OpenTerminal(command.show, context);
  JobView view({.label = training ? "train" : "generate",
                .json = context.json,
                .list_pictures = !training,
                .folder = FolderOf(command, job.spec().generate().prompt()),
                .terminal = terminal.get()},
               context.out, context.err, context.columns);
  WatchOptions options;
  options.after_sequence = command.after_sequence;
  options.include_pictures = !command.out.empty() || terminal != nullptr;
  const Watched watched{view, command.cancel_on_interrupt, options.include_pictures,
                        OptionsOf(command)};
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
  const std::unique_ptr<TerminalPictures> terminal =
      OpenTerminal(command.show && !command.dry_run, context);
  CommandResult result = kExitOk;
  for (const v1::GenerateSpec& spec : specs) {
    result = command.dry_run ? ShowChecked(context.client.CheckGeneration(spec), context)
                             : GenerateOne(command, spec, terminal.get(), context);
    if (!result.ok() || *result != kExitOk) return result;
  }
  return result;
}

}  // namespace vico::client
