// vico train, vico adapters continue, vico generate and vico jobs watch: commands that watch a job.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/input_pictures.h"
#include "client/cli/prompts_file.h"
#include "client/cli/split_prompts.h"
#include "client/cli/watch_evaluation.h"
#include "client/cli/watch_to_end.h"
#include "client/lib/local_file.h"
#include "client/output/job_view.h"
#include "client/output/output.h"
#include "client/output/picture_prompts.h"
#include "common/status.h"

namespace vico::client {
namespace {

/// An error if the folder of a command's pictures cannot be written: before the job exists.
template <typename Command>
absl::Status CheckFolderOf(const Command& command) {
  return command.out.empty() ? absl::OkStatus() : WithField("--out", CheckWritable(command.out));
}

/// `prompts` are those of a generation.
template <typename Command>
std::optional<PictureFolder> FolderOf(const Command& command, const PicturePrompts& prompts) {
  if (command.out.empty()) return std::nullopt;
  return PictureFolder(command.out, prompts,
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

/// Of the progress, one word.
std::string LabelOf(v1::JobKind kind) {
  if (kind == v1::JOB_KIND_EVALUATION) return "evaluate";
  return kind == v1::JOB_KIND_TRAINING ? "train" : "generate";
}

/// One spec; or those for the prompts of the file, with as many prompts each as a job may have.
/// Uploads pictures when the rest has been read.
absl::StatusOr<std::vector<v1::GenerateSpec>> SpecsOf(const Generate& command,
                                                      InputPictures& pictures) {
  std::vector<std::string> prompts;
  if (!command.prompts_file.empty()) {
    auto read = ReadPrompts(command.prompts_file);
    RETURN_IF_ERROR(WithField("--prompts", read.status()));
    prompts = *std::move(read);
  }
  ASSIGN_OR_RETURN(const v1::GenerateSpec spec, pictures.SpecOf(command));
  return prompts.empty() ? std::vector<v1::GenerateSpec>{spec} : SplitPrompts(spec, prompts);
}

CommandResult GenerateOne(const Generate& command, const v1::GenerateSpec& spec,
                          TerminalPictures* terminal, CommandContext& context) {
  JobView view({.label = "generate",
                .json = context.json,
                .list_pictures = true,
                .folder = FolderOf(command, PromptsOf(spec)),
                .terminal = terminal},
               context.out, context.err, context.columns);
  const Watched watched{view, command.cancel_on_interrupt, true, OptionsOf(command)};
  return WatchToEnd(watched, context, [&](const std::stop_token& stop) {
    return context.client.Generate(spec, view, stop, command.display);
  });
}

/// Prints the name of a new training, or watches the training and the evaluation that follows it.
template <typename Command>
CommandResult WatchTraining(const Command& command, const v1::Job& job, CommandContext& context) {
  if (!command.watch) {
    context.out << (context.json ? JsonLine(job) : Printable(job.name())) << '\n';
    WarnIfNobodyServes(job, context);
    return kExitOk;
  }
  WarnIfNobodyServes(job, context);
  const std::unique_ptr<TerminalPictures> terminal = OpenTerminal(command.show, context);
  JobView view({.label = "train",
                .json = context.json,
                .folder = FolderOf(command, {{""}}),
                .terminal = terminal.get()},
               context.out, context.err, context.columns);
  WatchOptions options;
  options.include_pictures = !command.out.empty() || terminal != nullptr;
  const Watched watched{view, command.cancel_on_interrupt, options.include_pictures,
                        OptionsOf(command)};
  CommandResult result = WatchToEnd(watched, context, [&](const std::stop_token& stop) {
    return context.client.WatchJob(job.name(), options, view, stop);
  });
  if (!result.ok() || *result != kExitOk || !job.spec().train().evaluate()) return result;
  return WatchEvaluationAfter(job.name(), command.cancel_on_interrupt, context);
}

}  // namespace

CommandResult Run(const Train& command, CommandContext& context) {
  RETURN_IF_ERROR(CheckFolderOf(command));
  ShowDrawnSeeds(command.drawn_seeds, context);
  if (command.dry_run) {
    return ShowChecked(context.client.CheckTraining(command.spec, command.display), context);
  }
  ASSIGN_OR_RETURN(const v1::Job job,
                   context.client.CreateTrainingJob(command.spec, command.display));
  return WatchTraining(command, job, context);
}

CommandResult Run(const AdaptersContinue& command, CommandContext& context) {
  RETURN_IF_ERROR(CheckFolderOf(command));
  if (command.dry_run) {
    return ShowChecked(
        context.client.CheckContinuation(command.name, command.steps, command.display), context);
  }
  ASSIGN_OR_RETURN(const v1::Job job,
                   context.client.ContinueTraining(command.name, command.steps, command.display));
  return WatchTraining(command, job, context);
}

CommandResult Run(const JobsWatch& command, CommandContext& context) {
  RETURN_IF_ERROR(CheckFolderOf(command));
  ASSIGN_OR_RETURN(const v1::Job job, context.client.GetJob(command.name));
  WarnIfNobodyServes(job, context);
  const bool generates = job.kind() == v1::JOB_KIND_GENERATION;
  const std::unique_ptr<TerminalPictures> terminal = OpenTerminal(command.show, context);
  JobView view({.label = LabelOf(job.kind()),
                .json = context.json,
                .list_pictures = generates,
                .folder = FolderOf(command, PromptsOf(job.spec().generate())),
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
  InputPictures pictures(context);
  ASSIGN_OR_RETURN(const std::vector<v1::GenerateSpec> specs, SpecsOf(command, pictures));
  ShowDrawnSeeds(command.drawn_seeds, context);
  const std::unique_ptr<TerminalPictures> terminal =
      OpenTerminal(command.show && !command.dry_run, context);
  CommandResult result = kExitOk;
  for (const v1::GenerateSpec& spec : specs) {
    result = command.dry_run
                 ? ShowChecked(context.client.CheckGeneration(spec, command.display), context)
                 : GenerateOne(command, spec, terminal.get(), context);
    if (!result.ok() || *result != kExitOk) return result;
  }
  return result;
}

}  // namespace vico::client
