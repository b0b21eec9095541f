// Parses the command line of `vico`: one struct per subcommand.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/lib/job_display.h"
#include "client/settings/settings.h"
#include "common/backoff.h"
#include "vico/v1/job.pb.h"

namespace vico::client {

using Labels = std::map<std::string, std::string>;

/// What `update` changes of a concept, an adapter or a job.
struct Changes {
  Labels labels{};
  std::vector<std::string> removed_labels{};
  std::optional<std::string> display_name{};
};

struct ConceptsUpload {
  std::vector<std::string> files;
  std::string display_name;
  Labels labels;
};
struct ConceptsUpdate {
  std::string name;
  Changes changes;
};
struct ConceptsList {
  std::size_t limit = 50;
};
struct ConceptsShow {
  std::string name;
};
struct ConceptsDelete {
  std::string name;
};

struct PicturesUpload {
  std::string file;
};
struct PicturesDelete {
  std::string name;
};

struct Train {
  v1::TrainSpec spec;
  std::vector<std::uint64_t> drawn_seeds;  ///< seeds of the spec that --seed random drew
  bool dry_run = false;                    ///< only check the spec and show it
  bool watch = false;
  bool cancel_on_interrupt = false;
  bool force = false;        ///< replace files in `out`
  bool show = false;         ///< draw samples and the loss in the terminal. Implies `watch`
  bool no_metadata = false;  ///< save pictures without their texts
  std::string out;           ///< folder for samples and masks; empty: none. Implies `watch`
  JobDisplay display;        ///< of the job
};

struct Evaluate {
  v1::EvaluateSpec spec;
  bool dry_run = false;
  bool watch = false;
  bool cancel_on_interrupt = false;  ///< implies `watch`
  bool force = false;                ///< replace the file of `out`
  bool show = false;                 ///< draw the contact sheet in the terminal. Implies `watch`
  std::string out;                   ///< as in AdaptersReport. Implies `watch`
  JobDisplay display;                ///< of the job
};

struct JobsList {
  v1::JobKind kind = v1::JOB_KIND_UNSPECIFIED;
  std::vector<v1::JobState> states;
  std::size_t limit = 50;
};
struct JobsShow {
  std::string name;
};
struct JobsWatch {
  std::string name;
  std::uint64_t after_sequence = 0;
  bool cancel_on_interrupt = false;
  bool force = false;
  bool show = false;         ///< as in Train
  bool no_metadata = false;  ///< as in Train
  std::string out;           ///< folder for pictures; empty: none
};
struct JobsUpdate {
  std::string name;
  Changes changes;
};
struct JobsCancel {
  std::string name;
};
struct JobsFinish {
  std::string name;
};
struct JobsRetry {
  std::string name;
};
struct JobsDelete {
  std::string name;
};

enum class AdapterFormat { kSafetensors, kAuthors, kMmagic };

struct AdaptersList {
  std::size_t limit = 50;
};
struct AdaptersShow {
  std::string name;
};
struct AdaptersDownload {
  std::string name;
  AdapterFormat format = AdapterFormat::kSafetensors;
  std::string out;        ///< file or, for the authors' pair, folder; empty: named after the id
  std::string reference;  ///< file for the reference picture; empty: none
  bool force = false;     ///< replace files
};
struct AdaptersUpdate {
  std::string name;
  Changes changes;
};
struct AdaptersImport {
  std::vector<std::string> files;  ///< one, or the authors' two
  std::string reference;
  std::string base_model;
  std::string placeholder;  ///< replaces the file's unless empty
  std::string init_word;
  Labels labels;
};
struct AdaptersReport {
  std::string name;
  bool force = false;  ///< replace the file
  bool show = false;   ///< draw the contact sheet in the terminal
  std::string out;     ///< file or folder for the contact sheet; empty: it is not saved
};
/// A training of further steps. The fields are as in Train.
struct AdaptersContinue {
  std::string name;
  int steps = 0;
  bool dry_run = false;
  bool watch = false;
  bool cancel_on_interrupt = false;
  bool force = false;
  bool show = false;
  bool no_metadata = false;
  std::string out;
  JobDisplay display;
};
struct AdaptersDelete {
  std::string name;
};

struct Generate {
  v1::GenerateSpec spec;
  std::vector<std::uint64_t> drawn_seeds;  ///< as in Train
  std::string prompts_file;                ///< a prompt a line; empty: the prompt of the spec
  /// To start from, and where to draw anew: files, or names of pictures on the server. The spec has
  /// neither.
  std::optional<std::string> init{};
  std::optional<std::string> mask{};
  bool dry_run = false;
  bool cancel_on_interrupt = false;
  bool force = false;
  bool show = false;         ///< draw the pictures in the terminal
  bool no_metadata = false;  ///< save pictures without their texts
  std::string out = ".";     ///< folder
  JobDisplay display;        ///< of each job
};

struct ContactSheet {
  std::string name;                        ///< of the adapter
  v1::GenerateSpec spec;                   ///< of all pictures; its seeds are the columns
  std::vector<std::uint64_t> drawn_seeds;  ///< as in Train
  std::vector<std::string> prompts;        ///< a row each
  std::string prompts_file;                ///< a prompt a line; empty: `prompts`
  bool bare = false;                       ///< also the base model alone
  int tile = 256;                          ///< longer side of a picture on the sheet, pixels
  bool cancel_on_interrupt = false;
  bool force = false;  ///< replace the file
  bool show = false;   ///< draw the sheet in the terminal
  std::string out;     ///< file or folder; empty: a file named after the adapter
};

struct AdminWorkers {};
struct AdminQueue {};
struct AdminDrain {
  std::string worker;
  bool undo = false;
};

struct Models {};
struct ShowCapabilities {};
struct Version {};

struct Completion {
  std::string shell;  ///< "bash", "zsh" or "fish"
};
/// What a script of `Completion` runs.
struct CompleteWords {
  std::vector<std::string> words;
};

using Command =
    std::variant<ConceptsUpload, ConceptsList, ConceptsShow, ConceptsUpdate, ConceptsDelete,
                 PicturesUpload, PicturesDelete, Train, JobsList, JobsShow, JobsWatch, JobsUpdate,
                 JobsCancel, JobsFinish, JobsRetry, JobsDelete, AdaptersList, AdaptersShow,
                 AdaptersDownload, AdaptersImport, AdaptersUpdate, AdaptersReport, AdaptersContinue,
                 AdaptersDelete, Evaluate, Generate, ContactSheet, AdminWorkers, AdminQueue,
                 AdminDrain, Models, ShowCapabilities, Version, Completion, CompleteWords>;

struct Arguments {
  ConnectionFlags connection;
  bool json = false;
  Command command;
};

/// A command to run; or, for --help and errors, the texts to print and the exit code.
struct ParsedArguments {
  std::optional<Arguments> arguments;
  int exit_code = 0;
  std::string out;
  std::string err;
};

/// `words` are the arguments without the name of the program. `random_bits` is called for each seed
/// that is to be drawn (--seed random).
ParsedArguments ParseArguments(const std::vector<std::string>& words,
                               const RandomSource& random_bits);

/// The command line as ParseArguments reads it.
void WithCommandLine(const std::function<void(CLI::App& app)>& use);

/// "jobs/1c9e" for "1c9e" and for "jobs/1c9e": adds the collection if it is missing.
std::string InCollection(const std::string& collection, const std::string& name);

}  // namespace vico::client
