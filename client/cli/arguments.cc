// The one file that knows CLI11.
#include "client/cli/arguments.h"

#include <array>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "client/cli/exit_code.h"

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
const std::map<std::string, v1::JobKind> kKinds = {{"training", v1::JOB_KIND_TRAINING},
                                                   {"generation", v1::JOB_KIND_GENERATION}};
const std::map<std::string, v1::JobState> kStates = {{"queued", v1::JOB_STATE_QUEUED},
                                                     {"running", v1::JOB_STATE_RUNNING},
                                                     {"succeeded", v1::JOB_STATE_SUCCEEDED},
                                                     {"failed", v1::JOB_STATE_FAILED},
                                                     {"cancelled", v1::JOB_STATE_CANCELLED}};

const std::map<std::string, AdapterFormat> kFormats = {{"safetensors", AdapterFormat::kSafetensors},
                                                       {"authors", AdapterFormat::kAuthors},
                                                       {"mmagic", AdapterFormat::kMmagic}};

template <typename Value>
std::string Names(const std::map<std::string, Value>& choices) {
  std::string names;
  for (const auto& [name, value] : choices) names += (names.empty() ? "" : "|") + name;
  return names;
}

// An option whose value sets a field of a spec only when it was given.
template <typename Value, typename Set>
CLI::Option* Field(CLI::App& app, const std::string& name, const std::string& help,
                   const Set& set) {
  return app.add_option_function<Value>(
      name, [set](const Value& value) { set(value); }, help);
}

// Likewise one of a few names.
template <typename Value, typename Set>
void Choice(CLI::App& app, const std::string& name, const std::string& help,
            const std::map<std::string, Value>& choices, const Set& set) {
  app.add_option_function<std::string>(
         name, [&choices, set](const std::string& text) { set(choices.at(text)); }, help)
      ->check(CLI::IsMember(choices))
      ->type_name(Names(choices));
}

// The subcommands write what they were given into these; `chosen` picks one at the end.
struct Reader {
  explicit Reader(CLI::App& app) {
    ReadConcepts(*app.add_subcommand("concepts", "Pictures of one thing"));
    ReadTrain(*app.add_subcommand("train", "Train an adapter on a concept"));
    ReadJobs(*app.add_subcommand("jobs", "Trainings and generations"));
    ReadAdapters(*app.add_subcommand("adapters", "What trainings leave behind"));
    ReadGenerate(*app.add_subcommand("generate", "Make pictures from a prompt"));
    ReadAdmin(*app.add_subcommand("admin", "For operators: workers and the queue"));
    Finish(*app.add_subcommand("models", "List the base models on offer"), &models);
    Finish(*app.add_subcommand("capabilities", "What this server accepts"), &capabilities);
    Finish(*app.add_subcommand("version", "This program's version"), &version);
  }

  // When `app` is what was asked for, `command` is the result.
  template <typename Options>
  void Finish(CLI::App& app, Options* command) {
    app.final_callback([this, command] { chosen = *command; });
  }

  template <typename Options>
  void Named(CLI::App& group, const std::string& name, const std::string& help,
             const std::string& collection, Options* command) {
    CLI::App& app = *group.add_subcommand(name, help);
    const std::string argument = collection == "concepts"   ? "CONCEPT"
                                 : collection == "adapters" ? "ADAPTER"
                                                            : "JOB";
    Positional(app, argument, collection, &command->name);
    Finish(app, command);
  }

  static void Positional(CLI::App& app, const std::string& argument, const std::string& collection,
                         std::string* name) {
    app.add_option_function<std::string>(
           argument,
           [collection, name](const std::string& text) { *name = InCollection(collection, text); },
           fmt::format("Name, as {}/1c9e… or its last part", collection))
        ->required();
  }

  static void Limit(CLI::App& app, std::size_t* limit) {
    app.add_option("--limit", *limit, "At most so many, newest first")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
  }

  void ReadAdmin(CLI::App& app) {
    app.require_subcommand(1);
    app.footer(
        "These call the workers' listener: --server, VICO_ADMIN_SERVER, `admin_server = ...` in "
        "the\n"
        "configuration, or 127.0.0.1:50052; off this machine with a certificate that names\n"
        "vico://operator/NAME (--cert, --cert-key).");
    Finish(
        *app.add_subcommand("workers", "Who is there, what they hold, how much memory they take"),
        &admin_workers);
    Finish(*app.add_subcommand("queue", "How many jobs of each tenant wait and run"), &admin_queue);
    CLI::App& drain = *app.add_subcommand(
        "drain", "No more jobs for a worker; what it holds it hands back after its step");
    drain.add_option("WORKER", admin_drain.worker, "As `vico admin workers` calls it")->required();
    drain.add_flag("--undo", admin_drain.undo, "It gets jobs again");
    Finish(drain, &admin_drain);
  }

  void ReadConcepts(CLI::App& app) {
    app.require_subcommand(1);
    CLI::App& upload = *app.add_subcommand("upload", "Upload 2 to 20 pictures of one thing");
    upload.add_option("FILES", concepts_upload.files, "PNG or JPEG files")->required();
    upload.add_option("--name", concepts_upload.display_name, "What to call it in listings");
    Finish(upload, &concepts_upload);
    CLI::App& list = *app.add_subcommand("list", "List concepts");
    Limit(list, &concepts_list.limit);
    Finish(list, &concepts_list);
    Named(app, "show", "Show one concept", "concepts", &concepts_show);
    Named(app, "delete", "Delete a concept", "concepts", &concepts_delete);
  }

  void ReadTrain(CLI::App& app) {
    v1::TrainSpec& spec = train.spec;
    app.add_option_function<std::string>(
           "CONCEPT",
           [&spec](const std::string& name) {
             spec.set_concept_name(InCollection("concepts", name));
           },
           "Concept to learn, from `vico concepts upload`")
        ->required();
    Field<std::string>(app, "--init-word", "The thing's class, one word: dog, robot, vase",
                       [&spec](const std::string& word) { spec.set_init_word(word); })
        ->required();
    Field<std::string>(app, "--base-model", "Base model, where the server has several",
                       [&spec](const std::string& name) {
                         spec.set_base_model(InCollection("baseModels", name));
                       });
    Field<std::string>(app, "--placeholder", "The new word (S* when left out)",
                       [&spec](const std::string& word) { spec.set_placeholder(word); });
    Field<std::int32_t>(app, "--steps", "Training steps",
                        [&spec](std::int32_t steps) { spec.set_steps(steps); });
    Field<std::int32_t>(app, "--batch-size", "Pictures a step",
                        [&spec](std::int32_t size) { spec.set_batch_size(size); });
    Field<std::uint64_t>(app, "--seed", "Same seed, same adapter",
                         [&spec](std::uint64_t seed) { spec.set_seed(seed); });
    Choice(app, "--dialect", "Which ViCo", kDialects,
           [&spec](v1::Dialect dialect) { spec.set_dialect(dialect); });
    Field<std::vector<std::string>>(
        app, "--sites",
        "Transformers with image attention, as up_blocks.1.attentions.1, with commas",
        [&spec](const std::vector<std::string>& sites) {
          spec.mutable_sites()->Assign(sites.begin(), sites.end());
        })
        ->delimiter(',');
    Field<double>(app, "--embedding-lr", "Learning rate of the new word",
                  [&spec](double rate) { spec.set_embedding_learning_rate(rate); });
    Field<double>(app, "--attention-lr", "Learning rate of the image attention",
                  [&spec](double rate) { spec.set_attention_learning_rate(rate); });
    Choice(
        app, "--lr-schedule", "How both learning rates go on", kRateSchedules,
        [&spec](v1::LearningRateSchedule schedule) { spec.set_learning_rate_schedule(schedule); });
    Field<double>(app, "--min-snr-gamma", "Favours noisy timesteps when small; 0: all alike",
                  [&spec](double gamma) { spec.set_min_snr_gamma(gamma); });
    Choice(app, "--block-start", "How the image attention starts", kBlockStarts,
           [&spec](v1::BlockStart start) { spec.set_block_start(start); });
    Field<std::int32_t>(app, "--sample-every", "Steps between sample pictures; 0: none",
                        [&spec](std::int32_t steps) { spec.set_sample_every_steps(steps); });
    Field<std::string>(app, "--sample-prompt", "Their prompt",
                       [&spec](const std::string& prompt) { spec.set_sample_prompt(prompt); });
    app.add_flag("--watch", train.watch, "Follow it to its end");
    app.add_flag("--cancel-on-interrupt", train.cancel_on_interrupt,
                 "Ctrl-C cancels the job instead of leaving it running");
    app.add_option("--out", train.out,
                   "Folder for sample pictures and learned masks; implies --watch");
    app.final_callback([this] {
      train.watch = train.watch || !train.out.empty() || train.cancel_on_interrupt;
      chosen = train;
    });
  }

  void ReadJobs(CLI::App& app) {
    app.require_subcommand(1);
    CLI::App& list = *app.add_subcommand("list", "List jobs");
    Limit(list, &jobs_list.limit);
    Choice(list, "--kind", "Only these", kKinds,
           [this](v1::JobKind kind) { jobs_list.kind = kind; });
    list.add_option_function<std::vector<std::string>>(
            "--state",
            [this](const std::vector<std::string>& states) {
              for (const std::string& state : states) jobs_list.states.push_back(kStates.at(state));
            },
            "Only these; may be given again")
        ->check(CLI::IsMember(kStates))
        ->allow_extra_args(false)
        ->type_name(Names(kStates));
    Finish(list, &jobs_list);
    Named(app, "show", "Show one job", "jobs", &jobs_show);
    CLI::App& watch = *app.add_subcommand("watch", "Follow a job to its end");
    Positional(watch, "JOB", "jobs", &jobs_watch.name);
    watch.add_option("--after", jobs_watch.after_sequence, "Skip events up to this number");
    watch.add_flag("--cancel-on-interrupt", jobs_watch.cancel_on_interrupt,
                   "Ctrl-C cancels the job instead of leaving it running");
    watch.add_option("--out", jobs_watch.out, "Folder for its pictures");
    Finish(watch, &jobs_watch);
    Named(app, "cancel", "Cancel a job", "jobs", &jobs_cancel);
    Named(app, "retry", "Queue a failed or cancelled job again", "jobs", &jobs_retry);
  }

  void ReadAdapters(CLI::App& app) {
    app.require_subcommand(1);
    CLI::App& list = *app.add_subcommand("list", "List adapters");
    Limit(list, &adapters_list.limit);
    Finish(list, &adapters_list);
    Named(app, "show", "Show one adapter", "adapters", &adapters_show);
    CLI::App& download = *app.add_subcommand("download", "Fetch an adapter's file");
    Positional(download, "ADAPTER", "adapters", &adapters_download.name);
    Choice(download, "--format",
           "safetensors, or what the authors' code or mmagic's reads: cross_attention-N.pt and "
           "embeddings_gs-N.pt, or a .pth",
           kFormats, [this](AdapterFormat format) { adapters_download.format = format; });
    download.add_option("--out", adapters_download.out,
                        "File, or folder for the authors' two (named after the id when left out)");
    download.add_option("--reference", adapters_download.reference,
                        "File for its reference picture, which an import needs, too");
    Finish(download, &adapters_download);
    CLI::App& import = *app.add_subcommand("import", "Bring an adapter's file to the server");
    import
        .add_option("FILES", adapters_import.files,
                    "safetensors file; or what the authors' code or mmagic's wrote: "
                    "cross_attention-N.pt and embeddings_gs-N.pt, a .pth, iter_N.pth")
        ->required()
        ->expected(1, 2);
    import.add_option("--reference", adapters_import.reference, "Its reference picture");
    Field<std::string>(import, "--base-model",
                       "Base model; needed for files that name none, where the server has several",
                       [this](const std::string& name) {
                         adapters_import.base_model = InCollection("baseModels", name);
                       });
    import.add_option("--placeholder", adapters_import.placeholder,
                      "The learned word in prompts, in place of the file's (* in the authors')");
    import.add_option("--init-word", adapters_import.init_word,
                      "The thing's class, which the authors' files and mmagic's do not say");
    import.final_callback([this] {
      if (adapters_import.reference.empty()) {
        throw CLI::ValidationError(
            "--reference is required: the picture of the thing that the adapter looks at when it "
            "draws; adapter files do not hold it");
  }
  chosen = adapters_import;
    });
    Named(app, "delete", "Delete an adapter", "adapters", &adapters_delete);
    }  // namespace

    void ReadGenerate(CLI::App& app) {
      v1::GenerateSpec& spec = generate.spec;
      app.add_option("ADAPTER", generate_words[0], "From `vico train`; - for the bare base model")
          ->required();
      app.add_option("PROMPT", generate_words[1],
                     "What to draw, as \"a photo of S* on the beach\"");
      app.add_flag("--bare", bare, "No adapter: give the prompt alone");
      Field<std::int32_t>(app, "-n,--count", "Pictures",
                          [&spec](std::int32_t count) { spec.set_picture_count(count); });
      app.add_option("--out", generate.out, "Folder for picture_<index>_<seed>.png")
          ->capture_default_str();
      app.add_option_function<std::vector<std::uint64_t>>(
             "--seed",
             [&spec](const std::vector<std::uint64_t>& seeds) {
               spec.mutable_seeds()->Assign(seeds.begin(), seeds.end());
             },
             "One a picture (--seed 1,2 or --seed 1 --seed 2); a single one counts up")
          ->delimiter(',')
          ->allow_extra_args(false);
      Field<std::int32_t>(app, "--steps", "Denoising steps",
                          [&spec](std::int32_t steps) { spec.set_steps(steps); });
      Field<double>(app, "--guidance", "Guidance scale",
                    [&spec](double scale) { spec.set_guidance_scale(scale); });
      Field<double>(app, "--eta", "Noise that DDIM adds, 0..1",
                    [&spec](double eta) { spec.set_eta(eta); });
      Field<std::string>(app, "--scheduler", "One of those in `vico capabilities`",
                         [&spec](const std::string& name) { spec.set_scheduler(name); });
      Field<std::string>(app, "--negative-prompt", "What not to draw",
                         [&spec](const std::string& prompt) { spec.set_negative_prompt(prompt); });
      Field<std::int32_t>(app, "--width", "Pixels",
                          [&spec](std::int32_t width) { spec.set_width(width); });
      Field<std::int32_t>(app, "--height", "Pixels",
                          [&spec](std::int32_t height) { spec.set_height(height); });
      Field<std::int32_t>(app, "--preview", "Write a preview every so many steps",
                          [&spec](std::int32_t steps) { spec.set_preview_every_steps(steps); });
      Field<std::string>(app, "--base-model", "Base model, without an adapter",
                         [&spec](const std::string& name) {
                           spec.set_base_model(InCollection("baseModels", name));
                         });
      app.add_flag("--cancel-on-interrupt", generate.cancel_on_interrupt,
                   "Ctrl-C cancels the job instead of leaving it running");
      app.final_callback([this, &app] {
        auto& [adapter, prompt] = generate_words;
        if (bare) std::swap(adapter, prompt);  // only one word was due: the prompt
        if (bare ? !adapter.empty() : prompt.empty() && app.count("PROMPT") == 0) {
          throw CLI::ValidationError(bare ? "--bare: give the prompt alone"
                                          : "PROMPT is required (and - in place of ADAPTER for the "
                                            "bare base model)");
        }
        if (!bare && adapter != "-") {
          generate.spec.set_adapter(InCollection("adapters", adapter));
        }
        generate.spec.set_prompt(prompt);
        chosen = generate;
      });
    }

    ConceptsUpload concepts_upload;
    ConceptsList concepts_list;
    ConceptsShow concepts_show;
    ConceptsDelete concepts_delete;
    Train train;
    JobsList jobs_list;
    JobsShow jobs_show;
    JobsWatch jobs_watch;
    JobsCancel jobs_cancel;
    JobsRetry jobs_retry;
    AdaptersList adapters_list;
    AdaptersShow adapters_show;
    AdaptersDownload adapters_download;
    AdaptersImport adapters_import;
    AdaptersDelete adapters_delete;
    Generate generate;
    std::array<std::string, 2> generate_words;
    bool bare = false;  // of generate
    AdminWorkers admin_workers;
    AdminQueue admin_queue;
    AdminDrain admin_drain;
    Models models;
    ShowCapabilities capabilities;
    Version version;
    std::optional<Command> chosen;
    };  // namespace vico

    }  // namespace

    std::string InCollection(const std::string& collection, const std::string& name) {
      const bool whole = name.empty() || name.find('/') != std::string::npos;
      return whole ? name : collection + "/" + name;
    }

    ParsedArguments ParseArguments(const std::vector<std::string>& words) {
      CLI::App app("Personalised pictures: upload pictures of a thing, train, generate.", "vico");
      app.footer(std::string("What is not given is looked for in ~/.config/vico/config.\n"
                             "The calls belong to the trace in TRACEPARENT, if that is set.\n") +
                 kExitCodeHelp);
      app.require_subcommand(1);
      app.fallthrough();
      Arguments arguments;
      ConnectionFlags& connection = arguments.connection;
      app.add_option("--server", connection.server,
                     "host:port; else VICO_SERVER, else the configuration, else 127.0.0.1:50051");
      app.add_option("--ca", connection.ca, "CA of the server's certificate, in PEM; else VICO_CA");
      app.add_option("--key-file", connection.key_file,
                     "File with the API key; else VICO_KEY or VICO_KEY_FILE");
      app.add_option("--cert", connection.cert,
                     "Of an operator, in PEM; else VICO_CERT; for `vico admin`");
      app.add_option("--cert-key", connection.cert_key, "Its private key; else VICO_CERT_KEY");
      app.add_flag("--json", arguments.json, "JSON, one object a line");
      Reader reader(app);

      ParsedArguments parsed;
      try {
        app.parse(
            std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 pops from the back
        arguments.command = std::move(*reader.chosen);
        parsed.arguments = std::move(arguments);
      } catch (const CLI::ParseError& error) {
        std::ostringstream out;
        std::ostringstream err;
        const bool help = app.exit(error, out, err) == 0;
        parsed.exit_code = help ? kExitOk : kExitInvalidArgument;
        parsed.out = out.str();
        parsed.err = help ? err.str() : fmt::format("error: {}", err.str());
      }
      return parsed;
    }

    }  // namespace vico
