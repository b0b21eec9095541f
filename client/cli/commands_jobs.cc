// vico jobs list|show|update|cancel|finish|retry|delete; `jobs watch` is in commands_run.cc.
#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/labels.h"
#include "client/cli/print_list.h"
#include "client/output/output.h"
#include "client/output/picture_prompts.h"
#include "common/status.h"
#include "common/text/utf8.h"

namespace vico::client {
namespace {

std::string StepText(const v1::Job& job) {
  return job.total_steps() > 0 ? fmt::format("{}/{}", job.step(), job.total_steps()) : "-";
}

/// The start of a prompt, for a table.
std::string Shortened(const std::string& prompt) {
  constexpr std::size_t kMostColumns = 40;
  std::string text = Printable(prompt);
  if (ColumnsOf(text) <= kMostColumns) return text;
  return std::string(FirstColumns(text, kMostColumns - 1)) + "…";
}

/// Of a generation, for a table.
std::string PromptText(const v1::GenerateSpec& spec) {
  const std::vector<std::string> prompts = PromptsOf(spec).prompts;
  if (prompts.size() == 1) return Shortened(prompts[0]);
  return fmt::format("{} (+{})", Shortened(prompts[0]), prompts.size() - 1);
}

/// The fields that most generations do not have.
void AddHowDrawn(const v1::GenerateSpec& spec, std::vector<std::vector<std::string>>& rows) {
  if (!spec.adapter().empty()) rows.push_back({"base model", spec.base_model()});
  if (spec.has_strength() && spec.strength() != 1) {
    rows.push_back({"strength", fmt::format("{:g}", spec.strength())});
  }
  if (spec.init_picture().empty()) return;
  rows.push_back({"starts from", spec.init_picture()});
  if (!spec.mask_picture().empty()) rows.push_back({"mask", spec.mask_picture()});
  rows.push_back({"denoise", fmt::format("{:g}", spec.denoise())});
}

void AddContinued(const v1::TrainSpec& spec, std::vector<std::vector<std::string>>& rows) {
  if (spec.continued_adapter().empty()) return;
  rows.push_back({"continues", fmt::format("{} after step {}", spec.continued_adapter(),
                                           spec.continued_steps())});
}

void AddEvaluated(const v1::EvaluateSpec& spec, std::vector<std::vector<std::string>>& rows) {
  rows.push_back({"measures", spec.adapter()});
  rows.push_back({"base model", spec.base_model()});
  for (const std::string& prompt : spec.prompts()) rows.push_back({"prompt", prompt});
}

void Print(const v1::Job& job, CommandContext& context) {
  if (context.json) {
    context.out << JsonLine(job) << '\n';
    return;
  }
  std::vector<std::vector<std::string>> rows = {
      {"name", job.name()},
      {"kind", KindText(job.kind())},
      {"state",
       StateText(job.state()) + (job.cancel_requested() && job.state() == v1::JOB_STATE_RUNNING
                                     ? ", cancel requested"
                                     : "")},
      {"step", StepText(job)},
      {"attempt", fmt::format("{}", job.attempt())},
      {"created", TimeText(job.create_time())},
      {"started", TimeText(job.start_time())},
      {"finished", TimeText(job.finish_time())}};
  if (job.state() == v1::JOB_STATE_QUEUED) {
    rows.push_back({"ahead", fmt::format("{}", job.queue_position())});
  }
  if (job.spec().has_train()) {
    rows.push_back({"concept", job.spec().train().concept_name()});
    rows.push_back({"base model", job.spec().train().base_model()});
    rows.push_back({"init word", job.spec().train().init_word()});
    AddContinued(job.spec().train(), rows);
  } else if (job.spec().has_generate()) {
    const v1::GenerateSpec& spec = job.spec().generate();
    rows.push_back({"with", spec.adapter().empty() ? spec.base_model() : spec.adapter()});
    for (const std::string& prompt : PromptsOf(spec).prompts) rows.push_back({"prompt", prompt});
    AddHowDrawn(spec, rows);
  }
  if (job.spec().has_evaluate()) AddEvaluated(job.spec().evaluate(), rows);
  if (!job.adapter().empty()) rows.push_back({"adapter", job.adapter()});
  AddNameAndLabels(job, rows);
  for (const v1::Picture& picture : job.pictures()) {
    rows.push_back(
        {fmt::format("picture {}", picture.index()),
         fmt::format("seed {}, {} x {}", picture.seed(), picture.width(), picture.height())});
  }
  if (job.state() == v1::JOB_STATE_FAILED) rows.push_back({"error", job.error().message()});
  context.out << Table(rows);
}

}  // namespace

void WarnIfNobodyServes(const v1::Job& job, CommandContext& context) {
  if (!job.base_model_unavailable()) return;
  const std::string& model = job.spec().has_train()      ? job.spec().train().base_model()
                             : job.spec().has_evaluate() ? job.spec().evaluate().base_model()
                                                         : job.spec().generate().base_model();
  const int devices = job.spec().train().devices();
  context.err << fmt::format("warning: no worker serves {}{} now; the job waits\n",
                             model.empty() ? "its base model" : Printable(model),
                             devices > 1 ? fmt::format(" with {} devices", devices) : "");
}

CommandResult Run(const JobsList& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const auto jobs,
                   context.client.ListJobs(command.kind, command.states, command.limit));
  const auto row = [](const v1::Job& job) -> std::vector<std::string> {
    const bool generates = job.spec().has_generate();
    return {job.name(),
            KindText(job.kind()),
            StateText(job.state()),
            StepText(job),
            TimeText(job.create_time()),
            generates                   ? job.spec().generate().adapter()
            : job.spec().has_evaluate() ? job.spec().evaluate().adapter()
                                        : job.adapter(),
            generates ? "" : job.spec().train().init_word(),
            generates ? PromptText(job.spec().generate())
                      : Shortened(job.spec().train().sample_prompt())};
  };
  PrintList(jobs, {"NAME", "KIND", "STATE", "STEP", "CREATED (UTC)", "ADAPTER", "WORD", "PROMPT"},
            row, context);
  return kExitOk;
}

CommandResult Run(const JobsShow& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Job job, context.client.GetJob(command.name));
  Print(job, context);
  WarnIfNobodyServes(job, context);
  return kExitOk;
}

CommandResult Run(const JobsUpdate& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Job updated, UpdateJob(command.name, command.changes, context.client));
  context.out << (context.json ? JsonLine(updated) : Printable(updated.name())) << '\n';
  return kExitOk;
}

CommandResult Run(const JobsCancel& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Job job, context.client.CancelJob(command.name));
  if (context.json) {
    context.out << JsonLine(job) << '\n';
  } else if (job.state() == v1::JOB_STATE_RUNNING) {
    context.out << Printable(job.name()) << " cancel requested\n";
  } else {
    context.out << Printable(job.name()) << ' ' << StateText(job.state()) << '\n';
  }
  return kExitOk;
}

CommandResult Run(const JobsFinish& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Job job, context.client.FinishTraining(command.name));
  if (context.json) {
    context.out << JsonLine(job) << '\n';
  } else {
    context.out << Printable(job.name()) << " ends after its current step\n";
  }
  return kExitOk;
}

CommandResult Run(const JobsRetry& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Job job, context.client.RetryJob(command.name));
  context.out << (context.json ? JsonLine(job) : Printable(job.name())) << '\n';
  WarnIfNobodyServes(job, context);
  return kExitOk;
}

CommandResult Run(const JobsDelete& command, CommandContext& context) {
  RETURN_IF_ERROR(context.client.DeleteJob(command.name));
  return kExitOk;
}

}  // namespace vico::client
