#include "client/arguments/evaluate_options.h"

#include <cstdint>
#include <vector>

#include "client/arguments/label_options.h"
#include "client/arguments/option_fields.h"
#include "client/arguments/spec_options.h"

namespace vico::client {
namespace {

/// What commands that queue a job share.
void AddJobOptions(CLI::App& app, bool& dry_run, bool& watch, bool& cancel_on_interrupt,
                   JobDisplay& display) {
  app.add_flag("--dry-run", dry_run,
               "Check the job and show it as it would be queued, with all defaults");
  app.add_flag("--watch", watch, "Watch the job until it ends");
  app.add_flag("--cancel-on-interrupt", cancel_on_interrupt,
               "Cancel the job on Ctrl-C; without this it keeps running");
  AddDisplayOptions(app, display);
}

}  // namespace

void AddReportOptions(CLI::App& app, std::string& out, bool& force, const std::string& implied) {
  app.add_option("--out", out, "Folder or file .png for the contact sheet" + implied)
      ->type_name(kPathType);
  app.add_flag("--force", force, "Replace the file if it is there");
}

void AddEvaluateOptions(CLI::App& app, Evaluate& evaluate) {
  v1::EvaluateSpec& spec = evaluate.spec;
  app.add_option_function<std::vector<std::string>>(
         "--prompt",
         [&spec](const std::vector<std::string>& prompts) {
           spec.mutable_prompts()->Assign(prompts.begin(), prompts.end());
         },
         "Prompt with the adapter's word; may be repeated (default: those of the base model)")
      ->allow_extra_args(false);
  AddField<std::int32_t>(app, "-n,--count", "Pictures of each prompt, 1 to 4 (default 2)",
                         [&spec](std::int32_t count) { spec.set_picture_count(count); });
  AddField<std::uint64_t>(app, "--seed",
                          "Seed of the first picture; the others count up (default 1). Reports of "
                          "equal prompts and seeds can be compared",
                          [&spec](std::uint64_t seed) { spec.set_seed(seed); });
  AddJobOptions(app, evaluate.dry_run, evaluate.watch, evaluate.cancel_on_interrupt,
                evaluate.display);
  AddReportOptions(app, evaluate.out, evaluate.force, "; implies --watch");
  AddShow(app, evaluate.show, "Draw the contact sheet in the terminal; implies --watch");
}

void AddContinueOptions(CLI::App& app, AdaptersContinue& command) {
  AddNumberOption<std::int32_t>(app, "--steps", "Further training steps", {},
                                [&command](std::int32_t steps) { command.steps = steps; })
      ->required();
  AddJobOptions(app, command.dry_run, command.watch, command.cancel_on_interrupt, command.display);
  app.add_option("--out", command.out,
                 "Folder for sample pictures and learned masks; implies --watch")
      ->type_name(kFolderType);
  app.add_flag("--force", command.force, "Replace pictures of the same name in the folder");
  AddNoMetadata(app, command.no_metadata);
  AddShow(app, command.show,
          "Draw samples in the terminal and, at the end, the loss; implies --watch");
}

}  // namespace vico::client
