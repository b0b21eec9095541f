#include "client/cli/watch_evaluation.h"

#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "client/cli/watch_to_end.h"
#include "client/lib/local_file.h"
#include "client/output/job_view.h"
#include "client/output/output.h"
#include "client/output/report_text.h"
#include "client/pixels/pixels.h"
#include "common/status.h"

namespace vico::client {
namespace {

constexpr std::size_t kSheetNameLetters = 8;

/// In a folder the file is named after the adapter.
std::filesystem::path FileOf(const std::string& adapter, const std::filesystem::path& out) {
  if (out.extension() == ".png") return out;
  const std::string id = adapter.substr(adapter.rfind('/') + 1).substr(0, kSheetNameLetters);
  return out / (id + "_report.png");
}

Existing ExistingFile(const SheetOptions& options) {
  return options.force ? Existing::kReplace : Existing::kKeep;
}

absl::Status WithSheetHint(const absl::Status& status) {
  if (!absl::IsAlreadyExists(status)) return status;
  return absl::AlreadyExistsError(
      fmt::format("{}; --out names another file, --force replaces", ToStd(status.message())));
}

absl::Status Draw(const std::string& png, TerminalPictures& terminal) {
  ASSIGN_OR_RETURN(const Pixels pixels, DecodePng(png));
  terminal.ShowWide(pixels);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSheetOut(const std::string& adapter, const SheetOptions& options) {
  if (options.out.empty()) return absl::OkStatus();
  const std::filesystem::path file = FileOf(adapter, options.out);
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  RETURN_IF_ERROR(WithField("--out", CheckWritable(folder)));
  std::error_code ignored;
  const bool there = std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
  return there && !options.force ? WithSheetHint(AlreadyThere(file)) : absl::OkStatus();
}

CommandResult ShowReport(const std::string& adapter, const SheetOptions& options,
                         CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::AdapterReport report, context.client.GetAdapterReport(adapter));
  context.out << (context.json ? JsonLine(report) + "\n" : ReportText(report));
  const std::unique_ptr<TerminalPictures> terminal = OpenTerminal(options.show, context);
  if (options.out.empty() && terminal == nullptr) return kExitOk;
  ASSIGN_OR_RETURN(const std::string png, context.client.DownloadPicture(adapter + "/report"));
  if (!options.out.empty()) {
    const std::filesystem::path file = FileOf(adapter, options.out);
    if (!HasBytes(file, png)) {
      RETURN_IF_ERROR(WithSheetHint(WriteAtomically(file, png, ExistingFile(options))));
    }
    (context.json ? context.err : context.out) << file.string() << '\n';
  }
  if (terminal != nullptr) RETURN_IF_ERROR(Draw(png, *terminal));
  return kExitOk;
}

CommandResult WatchEvaluation(const v1::Job& evaluation, bool cancel_on_interrupt,
                              const SheetOptions& options, CommandContext& context) {
  JobView view({.label = "evaluate", .json = context.json}, context.out, context.err,
               context.columns);
  const Watched watched{view, cancel_on_interrupt, false, "", /*prints_adapter=*/false};
  CommandResult result = WatchToEnd(watched, context, [&](const std::stop_token& stop) {
    return context.client.WatchJob(evaluation.name(), {}, view, stop);
  });
  if (!result.ok() || *result != kExitOk) return result;
  return ShowReport(evaluation.spec().evaluate().adapter(), options, context);
}

CommandResult WatchEvaluationAfter(const std::string& training, bool cancel_on_interrupt,
                                   CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Job trained, context.client.GetJob(training));
  const absl::StatusOr<v1::Job> evaluation = context.client.FindEvaluation(trained.adapter());
  if (absl::IsNotFound(evaluation.status())) {
    context.err << "no evaluation was queued\n";
    return kExitOk;
  }
  RETURN_IF_ERROR(evaluation.status());
  return WatchEvaluation(*evaluation, cancel_on_interrupt, {}, context);
}

}  // namespace vico::client
