// Defines the subcommands and parses the command line.
#include "client/arguments/arguments.h"

#include <array>
#include <map>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "client/arguments/evaluate_options.h"
#include "client/arguments/label_options.h"
#include "client/arguments/option_fields.h"
#include "client/arguments/spec_options.h"
#include "client/output/exit_code.h"

namespace vico::client {
namespace {

const std::map<std::string, v1::JobKind> kKinds = {{"training", v1::JOB_KIND_TRAINING},
                                                   {"generation", v1::JOB_KIND_GENERATION},
                                                   {"evaluation", v1::JOB_KIND_EVALUATION}};
const std::map<std::string, v1::JobState> kStates = {{"queued", v1::JOB_STATE_QUEUED},
                                                     {"running", v1::JOB_STATE_RUNNING},
                                                     {"succeeded", v1::JOB_STATE_SUCCEEDED},
                                                     {"failed", v1::JOB_STATE_FAILED},
                                                     {"cancelled", v1::JOB_STATE_CANCELLED}};

const std::map<std::string, AdapterFormat> kFormats = {{"safetensors", AdapterFormat::kSafetensors},
                                                       {"authors", AdapterFormat::kAuthors},
                                                       {"mmagic", AdapterFormat::kMmagic}};

// Defines the subcommands. Each writes its options into its member; the one that was given is
// copied to `chosen` when parsing ends.
struct Reader {
  // `random_source` must live until the command line is parsed.
  Reader(CLI::App& app, const RandomSource& random_source) : random_bits(random_source) {
    ReadConcepts(
        *app.add_subcommand("concepts", "Upload, list and label concepts: pictures of one thing"));
    ReadTrain(*app.add_subcommand("train", "Train an adapter on a concept"));
    ReadJobs(*app.add_subcommand("jobs", "List, watch, label, cancel, retry and delete jobs"));
    ReadAdapters(*app.add_subcommand("adapters", "List, download, import and label adapters"));
    ReadPictures(
        *app.add_subcommand("pictures", "Upload and delete pictures that generations start from"));
    ReadGenerate(*app.add_subcommand("generate", "Draw pictures from a prompt"));
    ReadEvaluate(*app.add_subcommand(
        "evaluate", "Measure an adapter: how well it shows the thing and follows prompts"));
    ReadSheet(*app.add_subcommand(
        "sheet",
        "Draw a contact sheet of an adapter: a row for each prompt, a column for each seed"));
    ReadAdmin(*app.add_subcommand("admin", "For operators: workers and the queue"));
    Finish(*app.add_subcommand("models", "List the base models of the server"), &models);
    Finish(
        *app.add_subcommand("capabilities", "Show schedulers, dialects and limits of the server"),
        &capabilities);
    Finish(*app.add_subcommand("version", "Show the version of this program"), &version);
    CLI::App& completion_app =
        *app.add_subcommand("completion", "Print a script that completes words in a shell");
    completion_app.add_option("SHELL", completion.shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}))
        ->type_name("bash|zsh|fish");
    Finish(completion_app, &completion);
  }

  // Chooses `command` if the subcommand `app` is given.
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

  // `update` of a concept, an adapter or a job.
  template <typename Options>
  void Update(CLI::App& group, const std::string& argument, const std::string& collection,
              Options* command) {
    CLI::App& app = *group.add_subcommand("update", "Change the display name and labels");
    Positional(app, argument, collection, &command->name);
    AddChangeOptions(app, command->changes);
    app.final_callback([this, command] {
      const Changes& changes = command->changes;
      if (changes.labels.empty() && changes.removed_labels.empty() && !changes.display_name) {
        throw CLI::ValidationError("--label, --remove-label or --name is required");
      }
      chosen = *command;
    });
  }

  static void Positional(CLI::App& app, const std::string& argument, const std::string& collection,
                         std::string* name) {
    app.add_option_function<std::string>(
           argument,
           [collection, name](const std::string& text) { *name = InCollection(collection, text); },
           fmt::format("Name: {}/1c9e…, the id, its first letters, or @last", collection))
        ->required();
  }

  static void Limit(CLI::App& app, std::size_t* limit) {
    AddNumber(app, "--limit", *limit, "Maximum number of entries, newest first", {1, 100'000});
  }

  void ReadAdmin(CLI::App& app) {
    app.require_subcommand(1);
    app.footer(
        "These commands call the workers' listener: --server, VICO_ADMIN_SERVER, `admin_server = "
        "...` in\n"
        "the configuration, or 127.0.0.1:50052. On another machine they need a certificate that "
        "names\n"
        "vico://operator/NAME (--cert, --cert-key).");
    Finish(*app.add_subcommand("workers", "List workers with their state, jobs and memory"),
           &admin_workers);
    Finish(*app.add_subcommand("queue", "Count the queued and running jobs of each tenant"),
           &admin_queue);
    CLI::App& drain = *app.add_subcommand(
        "drain",
        "Give a worker no more jobs; its jobs go back to the queue after the current step");
    drain.add_option("WORKER", admin_drain.worker, "Name from `vico admin workers`")->required();
    drain.add_flag("--undo", admin_drain.undo, "Give the worker jobs again");
    Finish(drain, &admin_drain);
  }

  void ReadConcepts(CLI::App& app) {
    app.require_subcommand(1);
    CLI::App& upload = *app.add_subcommand("upload", "Upload 2 to 20 pictures of one thing");
    upload
        .add_option("FILES", concepts_upload.files,
                    "Picture files; `vico capabilities` lists the formats")
        ->required()
        ->type_name(kFileType);
    upload.add_option("--name", concepts_upload.display_name, "Display name in listings");
    AddLabelOption(upload, concepts_upload.labels);
    Finish(upload, &concepts_upload);
    CLI::App& list = *app.add_subcommand("list", "List concepts");
    Limit(list, &concepts_list.limit);
    Finish(list, &concepts_list);
    Named(app, "show", "Show one concept", "concepts", &concepts_show);
    Update(app, "CONCEPT", "concepts", &concepts_update);
    Named(app, "delete", "Delete a concept", "concepts", &concepts_delete);
  }

  void ReadPictures(CLI::App& app) {
    app.require_subcommand(1);
    CLI::App& upload = *app.add_subcommand(
        "upload", "Upload a picture for --init or --mask of `vico generate`, and print its name");
    upload
        .add_option("FILE", pictures_upload.file,
                    "Picture file; `vico capabilities` lists the formats")
        ->required()
        ->type_name(kFileType);
    Finish(upload, &pictures_upload);
    CLI::App& remove =
        *app.add_subcommand("delete", "Delete an uploaded picture before it expires");
    remove
        .add_option_function<std::string>(
            "PICTURE",
            [this](const std::string& text) {
              pictures_delete.name = InCollection("pictures", text);
            },
            "Name from `vico pictures upload`: pictures/1c9e…, or the id")
        ->required();
    Finish(remove, &pictures_delete);
  }

  void ReadTrain(CLI::App& app) {
    AddTrainOptions(app, train, random_bits);
    app.final_callback([this] {
      train.watch = train.watch || !train.out.empty() || train.cancel_on_interrupt || train.show;
      chosen = train;
    });
  }

  void ReadJobs(CLI::App& app) {
    app.require_subcommand(1);
    CLI::App& list = *app.add_subcommand("list", "List jobs");
    Limit(list, &jobs_list.limit);
    AddChoice(list, "--kind", "Only jobs of this kind", kKinds,
              [this](v1::JobKind kind) { jobs_list.kind = kind; });
    list.add_option_function<std::vector<std::string>>(
            "--state",
            [this](const std::vector<std::string>& states) {
              for (const std::string& state : states) jobs_list.states.push_back(kStates.at(state));
            },
            "Only jobs in this state; may be repeated")
        ->check(CLI::IsMember(kStates))
        ->allow_extra_args(false)
        ->type_name(ChoiceNames(kStates));
    Finish(list, &jobs_list);
    Named(app, "show", "Show one job", "jobs", &jobs_show);
    CLI::App& watch = *app.add_subcommand("watch", "Watch a job until it ends");
    Positional(watch, "JOB", "jobs", &jobs_watch.name);
    AddNumber(watch, "--after", jobs_watch.after_sequence,
              "Skip events up to this sequence number");
    watch.add_flag("--cancel-on-interrupt", jobs_watch.cancel_on_interrupt,
                   "Cancel the job on Ctrl-C; without this it keeps running");
    watch.add_option("--out", jobs_watch.out, "Folder for the pictures of the job")
        ->type_name(kFolderType);
    watch.add_flag("--force", jobs_watch.force, "Replace pictures of the same name in the folder");
    AddNoMetadata(watch, jobs_watch.no_metadata);
    AddShow(watch, jobs_watch.show,
            "Draw the pictures in the terminal and, at the end of a training, the loss");
    Finish(watch, &jobs_watch);
    Update(app, "JOB", "jobs", &jobs_update);
    Named(app, "cancel", "Cancel a job", "jobs", &jobs_cancel);
    Named(app, "finish", "End a running training now and keep its adapter", "jobs", &jobs_finish);
    Named(app, "retry", "Queue a failed or cancelled job again", "jobs", &jobs_retry);
    Named(app, "delete", "Delete a job that has ended, with its events and pictures", "jobs",
          &jobs_delete);
  }

  void ReadAdapters(CLI::App& app) {
    app.require_subcommand(1);
    CLI::App& list = *app.add_subcommand("list", "List adapters");
    Limit(list, &adapters_list.limit);
    Finish(list, &adapters_list);
    Named(app, "show", "Show one adapter", "adapters", &adapters_show);
    CLI::App& download = *app.add_subcommand("download", "Download an adapter");
    Positional(download, "ADAPTER", "adapters", &adapters_download.name);
    AddChoice(
        download, "--format",
        "File format: safetensors; authors (cross_attention-N.pt and embeddings_gs-N.pt); mmagic "
        "(.pth)",
        kFormats, [this](AdapterFormat format) { adapters_download.format = format; });
    download
        .add_option(
            "--out", adapters_download.out,
            "File or folder (default: a file named after the id; the authors' two files need a "
            "folder)")
        ->type_name(kPathType);
    download
        .add_option("--reference", adapters_download.reference,
                    "Also write the reference picture to this file; an import requires it")
        ->type_name(kFileType);
    download.add_flag("--force", adapters_download.force, "Replace files that are there");
    Finish(download, &adapters_download);
    CLI::App& import_app = *app.add_subcommand("import", "Upload an adapter file to the server");
    import_app
        .add_option("FILES", adapters_import.files,
                    "Adapter file (.safetensors); or checkpoints of the authors' code "
                    "(cross_attention-N.pt and embeddings_gs-N.pt) or mmagic (.pth, iter_N.pth)")
        ->required()
        ->expected(1, 2)
        ->type_name(kFileType);
    import_app
        .add_option("--reference", adapters_import.reference, "Reference picture of the adapter")
        ->type_name(kFileType);
    AddField<std::string>(import_app, "--base-model",
                          "Base model; required if the file names none and the server has several",
                          [this](const std::string& name) {
                            adapters_import.base_model = InCollection("baseModels", name);
                          });
    import_app.add_option(
        "--placeholder", adapters_import.placeholder,
        "Learned word for prompts, instead of the file's (* in the authors' files)");
    import_app.add_option("--init-word", adapters_import.init_word,
                          "Class of the thing, which files of other programs do not contain");
    AddLabelOption(import_app, adapters_import.labels);
    import_app.final_callback([this] {
      if (adapters_import.reference.empty()) {
        throw CLI::ValidationError(
            "--reference is required: the picture of the thing that generation attends to, which "
            "adapter files do not contain");
      }
      chosen = adapters_import;
    });
    ReadReport(*app.add_subcommand("report", "Show what the newest evaluation has measured"));
    ReadContinue(*app.add_subcommand("continue", "Train an adapter further: makes a new adapter"));
    Update(app, "ADAPTER", "adapters", &adapters_update);
    Named(app, "delete", "Delete an adapter", "adapters", &adapters_delete);
  }

  void ReadReport(CLI::App& app) {
    Positional(app, "ADAPTER", "adapters", &adapters_report.name);
    AddReportOptions(app, adapters_report.out, adapters_report.force);
    AddShow(app, adapters_report.show, "Draw the contact sheet in the terminal");
    Finish(app, &adapters_report);
  }

  void ReadContinue(CLI::App& app) {
    Positional(app, "ADAPTER", "adapters", &adapters_continue.name);
    AddContinueOptions(app, adapters_continue);
    app.final_callback([this] {
      AdaptersContinue& command = adapters_continue;
      command.watch =
          command.watch || !command.out.empty() || command.cancel_on_interrupt || command.show;
      chosen = command;
    });
  }

  void ReadEvaluate(CLI::App& app) {
    Positional(app, "ADAPTER", "adapters", evaluate.spec.mutable_adapter());
    AddEvaluateOptions(app, evaluate);
    app.final_callback([this] {
      evaluate.watch =
          evaluate.watch || !evaluate.out.empty() || evaluate.cancel_on_interrupt || evaluate.show;
      chosen = evaluate;
    });
  }

  void ReadGenerate(CLI::App& app) {
    app.add_option("ADAPTER", generate_words[0],
                   "Adapter from `vico train`; - for the base model alone");
    app.add_option("PROMPT", generate_words[1],
                   "What to draw, for example \"a photo of S* on the beach\"");
    app.add_flag("--bare", bare, "Use no adapter; PROMPT is the only argument");
    AddGenerateOptions(app, generate, random_bits);
    app.final_callback([this, &app] {
      auto& [adapter, prompt] = generate_words;
      const bool from_file = !generate.prompts_file.empty();
      if (from_file && app.count("PROMPT") > 0) {
        throw CLI::ValidationError("--prompts: takes the place of PROMPT");
      }
      if (bare && !from_file) std::swap(adapter, prompt);  // the only argument is the prompt
      if (bare && !adapter.empty()) {
        throw CLI::ValidationError(from_file ? "--bare: takes the place of ADAPTER"
                                             : "--bare: PROMPT must be the only argument");
      }
      if (!bare && adapter.empty()) throw CLI::ValidationError("ADAPTER is required");
      if (!bare && !from_file && prompt.empty() && app.count("PROMPT") == 0) {
        throw CLI::ValidationError(
            "PROMPT is required (and - as ADAPTER for the base model alone)");
      }
      if (!bare && adapter != "-") {
        generate.spec.set_adapter(InCollection("adapters", adapter));
      }
      generate.spec.set_prompt(prompt);
      chosen = generate;
    });
  }

  void ReadSheet(CLI::App& app) {
    Positional(app, "ADAPTER", "adapters", &sheet.name);
    AddSheetOptions(app, sheet, random_bits);
    app.final_callback([this] {
      if (!sheet.prompts_file.empty() && !sheet.prompts.empty()) {
        throw CLI::ValidationError("--prompts: takes the place of --prompt");
      }
      chosen = sheet;
    });
  }

  ConceptsUpload concepts_upload;
  ConceptsList concepts_list;
  ConceptsShow concepts_show;
  ConceptsUpdate concepts_update;
  ConceptsDelete concepts_delete;
  PicturesUpload pictures_upload;
  PicturesDelete pictures_delete;
  Train train;
  JobsList jobs_list;
  JobsShow jobs_show;
  JobsUpdate jobs_update;
  JobsWatch jobs_watch;
  JobsCancel jobs_cancel;
  JobsFinish jobs_finish;
  JobsRetry jobs_retry;
  JobsDelete jobs_delete;
  AdaptersList adapters_list;
  AdaptersShow adapters_show;
  AdaptersUpdate adapters_update;
  AdaptersDownload adapters_download;
  AdaptersImport adapters_import;
  AdaptersReport adapters_report;
  AdaptersContinue adapters_continue;
  AdaptersDelete adapters_delete;
  Evaluate evaluate;
  Generate generate;
  ContactSheet sheet;
  std::array<std::string, 2> generate_words;
  bool bare = false;  // of generate
  AdminWorkers admin_workers;
  AdminQueue admin_queue;
  AdminDrain admin_drain;
  Models models;
  ShowCapabilities capabilities;
  Version version;
  Completion completion;
  std::optional<Command> chosen;
  const RandomSource& random_bits;
};

void AddConnectionOptions(CLI::App& app, Arguments& arguments) {
  ConnectionFlags& connection = arguments.connection;
  app.add_option("--server", connection.server,
                 "host:port, https://host:port or unix:path (default: VICO_SERVER, the "
                 "configuration, or 127.0.0.1:50051)");
  app.add_option("--ca", connection.ca, "CA of the server's certificate, PEM (default: VICO_CA)")
      ->type_name(kFileType);
  app.add_option("--key-file", connection.key_file,
                 "File with the API key (default: VICO_KEY or VICO_KEY_FILE)")
      ->type_name(kFileType);
  app.add_option("--cert", connection.cert,
                 "Certificate of an operator, PEM, for `vico admin` (default: VICO_CERT)")
      ->type_name(kFileType);
  app.add_option("--cert-key", connection.cert_key,
                 "Private key of the certificate, PEM (default: VICO_CERT_KEY)")
      ->type_name(kFileType);
  app.add_flag("--json", arguments.json, "Print JSON, one object per line");
}

constexpr char kAbout[] =
    "Personalises Stable Diffusion: upload pictures of a thing, train, generate.";
// The first word of a command line that a shell's script completes.
constexpr char kCompleteWord[] = "__complete";

}  // namespace

std::string InCollection(const std::string& collection, const std::string& name) {
  const bool whole = name.empty() || name.find('/') != std::string::npos;
  return whole ? name : collection + "/" + name;
}

void WithCommandLine(const std::function<void(CLI::App& app)>& use) {
  Arguments arguments;
  CLI::App app(kAbout, "vico");
  AddConnectionOptions(app, arguments);
  const RandomSource no_random = [] { return std::uint64_t{0}; };
  const Reader reader(app, no_random);
  use(app);
}

ParsedArguments ParseArguments(const std::vector<std::string>& words,
                               const RandomSource& random_bits) {
  Arguments arguments;
  ParsedArguments parsed;
  if (!words.empty() && words.front() == kCompleteWord) {
    arguments.command = CompleteWords{{words.begin() + 1, words.end()}};
    parsed.arguments = std::move(arguments);
    return parsed;
  }
  CLI::App app(kAbout, "vico");
  app.footer(std::string("Settings without a flag come from the environment, then from "
                         "~/.config/vico/config.\n"
                         "If TRACEPARENT is set, the calls belong to that trace.\n") +
             kExitCodeHelp);
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", fmt::format("vico {}", VICO_VERSION),
                       "Show the version of this program");
  AddConnectionOptions(app, arguments);
  Reader reader(app, random_bits);
  if (const std::optional<FlagsEnd> end = ParseFlags(app, words)) {
    parsed.exit_code = end->exit_code == 0 ? kExitOk : kExitInvalidArgument;
    parsed.out = end->out;
    parsed.err = end->exit_code == 0 ? end->err : fmt::format("error: {}", end->err);
    return parsed;
  }
  arguments.command = std::move(*reader.chosen);
  parsed.arguments = std::move(arguments);
  return parsed;
}

}  // namespace vico::client
