#include "client/arguments/spec_options.h"

#include <cstdint>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "client/arguments/label_options.h"
#include "client/arguments/option_fields.h"

namespace vico::client {
namespace {

const std::map<std::string, v1::Dialect> kDialects = {{"paper", v1::DIALECT_PAPER},
                                                      {"mmagic", v1::DIALECT_MMAGIC}};
const std::map<std::string, v1::BlockStart> kBlockStarts = {
    {"random", v1::BLOCK_START_RANDOM},
    {"zero", v1::BLOCK_START_ZERO},
    {"self-attention", v1::BLOCK_START_SELF_ATTENTION}};
const std::map<std::string, v1::LearningRateSchedule> kRateSchedules = {
    {"constant", v1::LEARNING_RATE_SCHEDULE_CONSTANT},
    {"cosine", v1::LEARNING_RATE_SCHEDULE_COSINE}};
const std::map<std::string, v1::Resize> kResizes = {
    {"squeeze", v1::RESIZE_SQUEEZE}, {"crop", v1::RESIZE_CROP}, {"pad", v1::RESIZE_PAD}};

// Seeds are drawn below this number, as the server draws them: every language has it exactly, and a
// single seed of many pictures can count up.
constexpr std::uint64_t kDrawnSeeds = (std::uint64_t{1} << 53) - 1'000;

// Reads one seed; `drawn` gets those that are drawn. -1 is what other programs call a random seed.
std::uint64_t Seed(const std::string& text, const RandomSource& random_bits,
                   std::vector<std::uint64_t>& drawn) {
  if (text == "random" || text == "-1") {
    drawn.push_back(random_bits() % kDrawnSeeds);
    return drawn.back();
  }
  const auto seed = ParseNumber<std::uint64_t>("--seed", text);
  if (!seed.ok()) {
    throw CLI::ValidationError(
        fmt::format("{}; random draws a seed", std::string(seed.status().message())));
  }
  return *seed;
}

// "1,2" and "3" are 1, 2 and 3. CLI11's own delimiter would skip an empty part.
std::vector<std::string> SplitAtCommas(const std::vector<std::string>& lists) {
  std::vector<std::string> parts;
  for (const std::string& list : lists) {
    std::istringstream rest(list + ",");
    for (std::string part; std::getline(rest, part, ',');) parts.push_back(part);
  }
  return parts;
}

// An option with a seed for each picture; `add` gets one after the other.
void AddSeeds(CLI::App& app, const std::string& name, const std::string& help,
              const std::function<void(const std::string&)>& add) {
  app.add_option_function<std::vector<std::string>>(
         name,
         [add](const std::vector<std::string>& lists) {
           for (const std::string& text : SplitAtCommas(lists)) add(text);
         },
         help)
      ->type_name("NUMBER|random ...")
      ->allow_extra_args(false);
}

// How a picture is drawn, whatever its prompt.
void AddDrawingOptions(CLI::App& app, v1::GenerateSpec& spec) {
  AddField<std::int32_t>(app, "--steps", "Denoising steps",
                         [&spec](std::int32_t steps) { spec.set_steps(steps); });
  AddField<double>(app, "--guidance", "Guidance scale",
                   [&spec](double scale) { spec.set_guidance_scale(scale); });
  AddField<double>(app, "--eta", "Noise that DDIM adds per step, 0..1",
                   [&spec](double eta) { spec.set_eta(eta); });
  AddField<std::string>(app, "--scheduler", "Scheduler from `vico capabilities`",
                        [&spec](const std::string& name) { spec.set_scheduler(name); });
  AddField<std::string>(app, "--negative-prompt", "What not to draw",
                        [&spec](const std::string& prompt) { spec.set_negative_prompt(prompt); });
  AddField<std::int32_t>(app, "--width", "Width in pixels",
                         [&spec](std::int32_t width) { spec.set_width(width); });
  AddField<std::int32_t>(app, "--height", "Height in pixels",
                         [&spec](std::int32_t height) { spec.set_height(height); });
}

}  // namespace

void AddShow(CLI::App& app, bool& show, const std::string& help) {
  app.add_flag("--show", show, help);
}

void AddNoMetadata(CLI::App& app, bool& no_metadata) {
  app.add_flag("--no-metadata", no_metadata,
               "Save pictures without the texts that say how they were made");
}

void AddTrainOptions(CLI::App& app, Train& train, const RandomSource& random_bits) {
  v1::TrainSpec& spec = train.spec;
  app.add_option_function<std::string>(
         "CONCEPT",
         [&spec](const std::string& name) {
           spec.set_concept_name(InCollection("concepts", name));
         },
         "Concept to train on, from `vico concepts upload`")
      ->required();
  AddField<std::string>(app, "--init-word", "Class of the thing, one word: dog, robot, vase",
                        [&spec](const std::string& word) { spec.set_init_word(word); })
      ->required();
  AddField<std::string>(
      app, "--base-model", "Base model; required if the server has several",
      [&spec](const std::string& name) { spec.set_base_model(InCollection("baseModels", name)); });
  AddField<std::string>(app, "--placeholder", "The new word for prompts (default S*)",
                        [&spec](const std::string& word) { spec.set_placeholder(word); });
  AddField<std::int32_t>(app, "--steps", "Training steps",
                         [&spec](std::int32_t steps) { spec.set_steps(steps); });
  AddField<std::int32_t>(app, "--batch-size", "Pictures per step",
                         [&spec](std::int32_t size) { spec.set_batch_size(size); });
  AddField<std::int32_t>(app, "--devices",
                         "Devices of one worker that share the pictures of a step; 1 if left out",
                         [&spec](std::int32_t devices) { spec.set_devices(devices); });
  AddField<std::string>(
      app, "--seed", "Seed; the same seed gives the same adapter; random or -1: drawn and shown",
      [&](const std::string& text) { spec.set_seed(Seed(text, random_bits, train.drawn_seeds)); })
      ->type_name("NUMBER|random");
  AddChoice(app, "--dialect", "ViCo of the paper, or of mmagic's port", kDialects,
            [&spec](v1::Dialect dialect) { spec.set_dialect(dialect); });
  AddField<std::vector<std::string>>(
      app, "--sites",
      "Transformers with image attention, separated by commas: up_blocks.1.attentions.1,…",
      [&spec](const std::vector<std::string>& sites) {
        spec.mutable_sites()->Assign(sites.begin(), sites.end());
      })
      ->delimiter(',');
  AddField<double>(app, "--embedding-lr", "Learning rate of the new word",
                   [&spec](double rate) { spec.set_embedding_learning_rate(rate); });
  AddField<double>(app, "--attention-lr", "Learning rate of the image attention",
                   [&spec](double rate) { spec.set_attention_learning_rate(rate); });
  AddChoice(
      app, "--lr-schedule", "Schedule of both learning rates", kRateSchedules,
      [&spec](v1::LearningRateSchedule schedule) { spec.set_learning_rate_schedule(schedule); });
  AddField<double>(app, "--min-snr-gamma",
                   "Small values weigh noisy timesteps more; 0: all timesteps equally",
                   [&spec](double gamma) { spec.set_min_snr_gamma(gamma); });
  AddChoice(
      app, "--resize",
      "How a picture that is not square becomes square: squeeze both sides (default), crop to "
      "the centre, or pad with white",
      kResizes, [&spec](v1::Resize resize) { spec.set_resize(resize); });
  AddChoice(app, "--block-start", "Initial weights of the image attention", kBlockStarts,
            [&spec](v1::BlockStart start) { spec.set_block_start(start); });
  AddField<std::int32_t>(app, "--sample-every", "Steps between sample pictures; 0: no samples",
                         [&spec](std::int32_t steps) { spec.set_sample_every_steps(steps); });
  AddField<std::string>(app, "--sample-prompt", "Prompt of the sample pictures",
                        [&spec](const std::string& prompt) { spec.set_sample_prompt(prompt); });
  app.add_flag_callback(
      "--evaluate", [&spec] { spec.set_evaluate(true); },
      "Measure the adapter when the training has succeeded: `vico adapters report` shows it");
  app.add_flag("--dry-run", train.dry_run,
               "Check the job and show it as it would be queued, with all defaults");
  app.add_flag("--watch", train.watch, "Watch the job until it ends");
  app.add_flag("--cancel-on-interrupt", train.cancel_on_interrupt,
               "Cancel the job on Ctrl-C; without this it keeps running");
  app.add_option("--out", train.out,
                 "Folder for sample pictures and learned masks; implies --watch")
      ->type_name(kFolderType);
  app.add_flag("--force", train.force, "Replace pictures of the same name in the folder");
  AddNoMetadata(app, train.no_metadata);
  AddShow(app, train.show,
          "Draw samples in the terminal and, at the end, the loss; implies --watch");
  AddDisplayOptions(app, train.display);
}

void AddGenerateOptions(CLI::App& app, Generate& generate, const RandomSource& random_bits) {
  v1::GenerateSpec& spec = generate.spec;
  AddField<std::int32_t>(app, "-n,--count", "Number of pictures of each prompt",
                         [&spec](std::int32_t count) { spec.set_picture_count(count); });
  app.add_option("--out", generate.out,
                 "Folder for <job>_<prompt>_<seed>.png; beside another picture of that name it is "
                 "<job>_<prompt>_<seed>_2.png")
      ->type_name(kFolderType)
      ->capture_default_str();
  app.add_option("--prompts", generate.prompts_file,
                 "File with a prompt a line, instead of PROMPT; a job draws up to 8 prompts and 32 "
                 "pictures, all prompts with the same seeds")
      ->type_name(kFileType);
  app.add_flag("--dry-run", generate.dry_run,
               "Check the job and show it as it would be queued, with all defaults");
  app.add_flag("--force", generate.force, "Replace pictures of the same name in the folder");
  AddSeeds(
      app, "--seed",
      "One seed per picture of a prompt (--seed 1,2 or --seed 1 --seed 2); a single seed counts "
      "up; random or -1: drawn and shown",
      [&](const std::string& text) {
        spec.add_seeds(Seed(text, random_bits, generate.drawn_seeds));
      });
  AddDrawingOptions(app, spec);
  AddField<double>(app, "--strength",
                   "How strongly the adapter acts, 0..2 (default 1); with 0 only its word does",
                   [&spec](double strength) { spec.set_strength(strength); });
  CLI::Option* const init =
      app.add_option(
             "--init", generate.init,
             "Picture to start from: a file, which is uploaded, or the name of a picture on "
             "the server: jobs/ID/pictures/0, concepts/ID/pictures/0, ...")
          ->type_name(kFileType);
  app.add_option(
         "--mask", generate.mask,
         "File or name of a picture that is light where the picture of --init is drawn anew")
      ->type_name(kFileType)
      ->needs(init);
  AddField<double>(app, "--denoise",
                   "How much of --init changes, above 0 and at most 1 (default 0.8)",
                   [&spec](double denoise) { spec.set_denoise(denoise); });
  AddField<std::int32_t>(app, "--preview", "Steps between previews; 0: no previews",
                         [&spec](std::int32_t steps) { spec.set_preview_every_steps(steps); });
  AddField<std::string>(
      app, "--base-model",
      "Base model (default: the adapter's own); an adapter works with another one whose networks "
      "have the same sizes",
      [&spec](const std::string& name) { spec.set_base_model(InCollection("baseModels", name)); });
  app.add_flag("--cancel-on-interrupt", generate.cancel_on_interrupt,
               "Cancel the job on Ctrl-C; without this it keeps running");
  AddNoMetadata(app, generate.no_metadata);
  AddShow(app, generate.show, "Draw the pictures in the terminal");
  AddDisplayOptions(app, generate.display);
}

void AddSheetOptions(CLI::App& app, ContactSheet& sheet, const RandomSource& random_bits) {
  v1::GenerateSpec& spec = sheet.spec;
  app.add_option("--prompt", sheet.prompts,
                 "Prompt of a row; may be repeated (default: four scenes with the adapter's word)")
      ->allow_extra_args(false);
  app.add_option("--prompts", sheet.prompts_file, "File with a prompt a line, instead of --prompt")
      ->type_name(kFileType);
  AddSeeds(
      app, "--seeds",
      "Seeds of the columns, separated by commas (default 1,2,3); random or -1: drawn and "
      "shown",
      [&](const std::string& text) { spec.add_seeds(Seed(text, random_bits, sheet.drawn_seeds)); });
  app.add_flag("--bare", sheet.bare,
               "Also draw with the base model alone: the adapter's class takes the place of its "
               "word");
  app.add_option("--out", sheet.out,
                 "File or folder (default: a file <adapter>_sheet.png in this folder)")
      ->type_name(kPathType);
  app.add_flag("--force", sheet.force, "Replace the file if it is there");
  AddNumber(app, "--tile", sheet.tile, "Longer side of a picture on the sheet, in pixels",
            {32, 2048});
  AddShow(app, sheet.show, "Draw the sheet in the terminal");
  AddDrawingOptions(app, spec);
  app.add_flag("--cancel-on-interrupt", sheet.cancel_on_interrupt,
               "Cancel the job on Ctrl-C; without this it keeps running");
}

}  // namespace vico::client
