// vico adapters list|show|download|import|update|delete.
#include <fmt/format.h>

#include "client/adapter_formats/adapter_formats.h"
#include "client/cli/commands.h"
#include "client/cli/labels.h"
#include "client/cli/print_list.h"
#include "client/lib/local_file.h"
#include "client/output/output.h"
#include "client/output/progress.h"
#include "common/status.h"

namespace vico::client {
namespace {

Existing ExistingFiles(const AdaptersDownload& command) {
  return command.force ? Existing::kReplace : Existing::kKeep;
}

// Where the adapter goes: a file, or the folder of the authors' two. In a folder that exists a file
// is named after the id.
std::filesystem::path OutOf(const AdaptersDownload& command) {
  const std::filesystem::path out = command.out;
  const std::string id = command.name.substr(command.name.rfind('/') + 1);
  if (command.format == AdapterFormat::kAuthors) return command.out.empty() ? id : command.out;
  const std::string name =
      id + (command.format == AdapterFormat::kMmagic ? ".pth" : ".safetensors");
  std::error_code ignored;
  if (out.empty()) return name;
  return std::filesystem::is_directory(out, ignored) ? out / name : out;
}

// Before the download: whether the files can be written.
absl::Status CheckOut(const AdaptersDownload& command) {
  const std::filesystem::path out = OutOf(command);
  const auto folder_of = [](const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  };
  if (command.format == AdapterFormat::kAuthors) return WithField("--out", CheckWritable(out));
  RETURN_IF_ERROR(WithField("--out", CheckWritable(folder_of(out))));
  if (command.reference.empty()) return absl::OkStatus();
  if (out.lexically_normal() == std::filesystem::path(command.reference).lexically_normal()) {
    return absl::InvalidArgumentError("--reference: must be another file than --out");
  }
  return WithField("--reference", CheckWritable(folder_of(command.reference)));
}

// The error for a file that is there says what to do.
absl::Status WithHint(const absl::Status& status) {
  if (!absl::IsAlreadyExists(status)) return status;
  return absl::AlreadyExistsError(fmt::format(
      "{}; --out and --reference name other files, --force replaces", ToStd(status.message())));
}

// Downloads the adapter, writes it in the format of another program, and returns the paths. Writes
// nothing if one of the files is there with other bytes.
absl::StatusOr<std::vector<std::filesystem::path>> DownloadForeign(const AdaptersDownload& command,
                                                                   const TransferProgress& progress,
                                                                   CommandContext& context) {
  const bool authors = command.format == AdapterFormat::kAuthors;
  const std::filesystem::path out = OutOf(command);
  ASSIGN_OR_RETURN(const TemporaryFolder folder, TemporaryFolder::Create());
  const std::filesystem::path file = folder.path() / "adapter.safetensors";
  RETURN_IF_ERROR(context.client.DownloadAdapter(command.name, file, progress).status());
  ASSIGN_OR_RETURN(const SafetensorsFile adapter,
                   SafetensorsFile::Open(file.string(), kAdapterHeaderLimit));
  ASSIGN_OR_RETURN(const auto files,
                   ForeignFiles(adapter, authors ? ForeignFormat::kAuthors : ForeignFormat::kMmagic,
                                command.name.substr(command.name.rfind('/') + 1)));
  std::vector<std::filesystem::path> paths;
  std::error_code ignored;
  for (const auto& [name, bytes] : files) {
    paths.push_back(authors ? out / name : out);
    const bool there =
        std::filesystem::exists(std::filesystem::symlink_status(paths.back(), ignored));
    if (there && !command.force && !HasBytes(paths.back(), bytes)) {
      return AlreadyThere(paths.back());
    }
  }
  auto path = paths.begin();
  for (const auto& [name, bytes] : files) {
    if (!HasBytes(*path, bytes)) {
      RETURN_IF_ERROR(WriteAtomically(*path, bytes, ExistingFiles(command)));
    }
    ++path;
  }
  return paths;
}

// The base model for files that do not contain the digest of theirs.
absl::StatusOr<v1::BaseModel> BaseModelOf(const AdaptersImport& command, Client& client) {
  ASSIGN_OR_RETURN(const auto models, client.ListBaseModels());
  for (const v1::BaseModel& model : models) {
    const bool only = command.base_model.empty() && models.size() == 1;
    if (only || model.name() == command.base_model) return model;
  }
  if (!command.base_model.empty()) {
    return absl::NotFoundError(
        fmt::format("--base-model: the server has no base model {}", command.base_model));
  }
  return absl::InvalidArgumentError(fmt::format(
      "--base-model: is required, since the file names no base model and the server has {}",
      models.size()));
}

// Converts checkpoints of another program to an adapter file. Uploads nothing.
absl::Status Convert(const AdaptersImport& command, Client& client,
                     const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const ForeignAdapter adapter,
                   ReadForeignAdapter({command.files.begin(), command.files.end()}));
  ASSIGN_OR_RETURN(const v1::BaseModel model, BaseModelOf(command, client));
  return WriteAdapterFile(adapter,
                          {.base_model_digest = model.digest(),
                           .placeholder = command.placeholder,
                           .init_word = command.init_word},
                          file);
}

void PrintWarnings(const v1::Adapter& adapter, CommandContext& context) {
  for (const auto& warning : adapter.warnings()) context.err << WarningText(warning) << '\n';
}

}  // namespace

CommandResult Run(const AdaptersList& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const auto adapters, context.client.ListAdapters(command.limit));
  const auto row = [](const v1::Adapter& adapter) -> std::vector<std::string> {
    return {adapter.name(),
            adapter.base_model(),
            adapter.placeholder(),
            adapter.init_word(),
            SizeText(adapter.blob().size_bytes()),
            TimeText(adapter.create_time())};
  };
  PrintList(adapters, {"NAME", "BASE MODEL", "WORD", "CLASS", "SIZE", "CREATED (UTC)"}, row,
            context);
  return kExitOk;
}

CommandResult Run(const AdaptersShow& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Adapter adapter, context.client.GetAdapter(command.name));
  PrintWarnings(adapter, context);
  if (context.json) {
    context.out << JsonLine(adapter) << '\n';
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows = {
      {"name", adapter.name()},
      {"base model", adapter.base_model()},
      {"dialect", DialectText(adapter.dialect())},
      {"placeholder", adapter.placeholder()},
      {"init word", adapter.init_word()},
      {"size", SizeText(adapter.blob().size_bytes())},
      {"sha256", adapter.blob().sha256()},
      {"job", adapter.job().empty() ? "none, imported" : adapter.job()},
      {"created", TimeText(adapter.create_time()) + " UTC"}};
  AddNameAndLabels(adapter, rows);
  if (adapter.has_summary()) {
    const v1::TrainingSummary& summary = adapter.summary();
    rows.push_back({"steps", fmt::format("{}", summary.steps())});
    rows.push_back(
        {"trained in", fmt::format("{} ({:.2f} s/step)", FormatDuration(summary.train_seconds()),
                                   summary.seconds_per_step())});
    rows.push_back(
        {"loss", fmt::format("{:.4f}, from {:.4f}", summary.last_loss(), summary.first_loss())});
    rows.push_back(
        {"mask", fmt::format("{:.0f} % of the pictures", 100 * summary.mask_coverage())});
  }
  context.out << Table(rows);
  return kExitOk;
}

CommandResult Run(const AdaptersDownload& command, CommandContext& context) {
  RETURN_IF_ERROR(CheckOut(command));
  std::vector<std::filesystem::path> files = {OutOf(command)};
  ProgressDisplay display(context.err, context.columns);
  const TransferProgress progress = display.ForTransfer("download");
  ASSIGN_OR_RETURN(const v1::Adapter adapter, context.client.GetAdapter(command.name));
  if (!command.reference.empty() && !command.force) {
    RETURN_IF_ERROR(WithHint(IsThere(command.reference, adapter.reference().sha256()).status()));
  }
  if (command.format == AdapterFormat::kSafetensors) {
    RETURN_IF_ERROR(WithHint(
        context.client.DownloadAdapter(command.name, files[0], progress, ExistingFiles(command))
            .status()));
  } else {
    absl::StatusOr<std::vector<std::filesystem::path>> written =
        DownloadForeign(command, progress, context);
    RETURN_IF_ERROR(WithHint(written.status()));
    files = *std::move(written);
  }
  if (!command.reference.empty()) {
    RETURN_IF_ERROR(WithHint(
        context.client.DownloadReference(command.name, command.reference, ExistingFiles(command))
            .status()));
  }
  display.Close();
  if (context.json) {
    context.out << JsonLine(adapter) << '\n';
  } else {
    for (const auto& file : files) context.out << file.string() << '\n';
  }
  PrintWarnings(adapter, context);
  return kExitOk;
}

CommandResult Run(const AdaptersImport& command, CommandContext& context) {
  std::filesystem::path file = command.files[0];
  const bool foreign = command.files.size() > 1 || IsForeign(file);
  if (!foreign && (!command.placeholder.empty() || !command.init_word.empty())) {
    return absl::InvalidArgumentError(
        "--placeholder, --init-word: apply only to files of other programs; an adapter file "
        "contains both");
  }
  ASSIGN_OR_RETURN(const TemporaryFolder folder, TemporaryFolder::Create());
  if (foreign) {
    RETURN_IF_ERROR(Describe(command.reference).status());  // before the conversion
    file = folder.path() / "adapter.safetensors";
    RETURN_IF_ERROR(Convert(command, context.client, file));
  }
  ProgressDisplay display(context.err, context.columns);
  ASSIGN_OR_RETURN(const v1::Adapter adapter,
                   context.client.ImportAdapter(file, command.reference, command.base_model,
                                                display.ForTransfer("upload")));
  display.Close();
  context.out << (context.json ? JsonLine(adapter) : Printable(adapter.name())) << '\n';
  PrintWarnings(adapter, context);
  RETURN_IF_ERROR(SetLabels(adapter.name(), command.labels, context.client));
  return kExitOk;
}

CommandResult Run(const AdaptersUpdate& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Adapter updated,
                   UpdateAdapter(command.name, command.changes, context.client));
  context.out << (context.json ? JsonLine(updated) : Printable(updated.name())) << '\n';
  return kExitOk;
}

CommandResult Run(const AdaptersDelete& command, CommandContext& context) {
  RETURN_IF_ERROR(context.client.DeleteAdapter(command.name));
  return kExitOk;
}

}  // namespace vico::client
