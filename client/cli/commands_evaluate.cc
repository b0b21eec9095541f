// vico evaluate and vico adapters report.
#include "client/cli/commands.h"
#include "client/cli/watch_evaluation.h"
#include "client/cli/watch_to_end.h"
#include "client/output/output.h"
#include "common/status.h"

namespace vico::client {
namespace {

SheetOptions SheetOf(const Evaluate& command) {
  return {.out = command.out, .force = command.force, .show = command.show};
}

}  // namespace

CommandResult Run(const AdaptersReport& command, CommandContext& context) {
  const SheetOptions options{.out = command.out, .force = command.force, .show = command.show};
  RETURN_IF_ERROR(CheckSheetOut(command.name, options));
  return ShowReport(command.name, options, context);
}

CommandResult Run(const Evaluate& command, CommandContext& context) {
  if (command.dry_run) {
    return ShowChecked(context.client.CheckEvaluation(command.spec, command.display), context);
  }
  RETURN_IF_ERROR(CheckSheetOut(command.spec.adapter(), SheetOf(command)));
  ASSIGN_OR_RETURN(const v1::Job job,
                   context.client.CreateEvaluationJob(command.spec, command.display));
  if (!command.watch) {
    context.out << (context.json ? JsonLine(job) : Printable(job.name())) << '\n';
    WarnIfNobodyServes(job, context);
    return kExitOk;
  }
  WarnIfNobodyServes(job, context);
  return WatchEvaluation(job, command.cancel_on_interrupt, SheetOf(command), context);
}

}  // namespace vico::client
