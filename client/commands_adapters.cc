// vico adapters …
#include <fmt/format.h>

#include "client/commands.h"
#include "client/output.h"
#include "client/progress.h"
#include "common/status.h"

namespace vico {
namespace {

TransferProgress ShowOn(ProgressDisplay& display, const std::string& label,
                        CommandContext& context) {
  return [&display, label, &context](std::uint64_t moved, std::uint64_t total) {
    if (!context.columns()) return;
    Progress view;
    view.label = label;
    view.step = static_cast<std::int64_t>(moved / 1024);
    view.total = static_cast<std::int64_t>(total / 1024);
    view.unit = "KiB";
    display.Update(view);
  };
}

}  // namespace

CommandResult Run(const AdaptersList& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const auto adapters, context.client.ListAdapters(command.limit));
  if (context.json) {
    for (const v1::Adapter& adapter : adapters) context.out << JsonLine(adapter) << '\n';
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "BASE MODEL", "WORD", "CLASS", "SIZE", "CREATED (UTC)"}};
  for (const v1::Adapter& adapter : adapters) {
    rows.push_back({adapter.name(), adapter.base_model(), adapter.placeholder(),
                    adapter.init_word(), SizeText(adapter.blob().size_bytes()),
                    TimeText(adapter.create_time())});
  }
  context.out << Table(rows);
  return kExitOk;
}

CommandResult Run(const AdaptersShow& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Adapter adapter, context.client.GetAdapter(command.name));
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
  if (adapter.has_summary()) {
    const v1::TrainingSummary& summary = adapter.summary();
    rows.push_back({"steps", fmt::format("{}", summary.steps())});
    rows.push_back(
        {"trained in", fmt::format("{} ({:.2f} s/step)", FormatDuration(summary.train_seconds()),
                                   summary.seconds_per_step())});
    rows.push_back({"loss", fmt::format("{:.4f}, at first {:.4f}", summary.last_loss(),
                                        summary.first_loss())});
    rows.push_back(
        {"mask", fmt::format("{:.0f} % of the pictures", 100 * summary.mask_coverage())});
  }
  context.out << Table(rows);
  return kExitOk;
}

CommandResult Run(const AdaptersDownload& command, CommandContext& context) {
  const std::string id = command.name.substr(command.name.rfind('/') + 1);
  const std::filesystem::path file = command.out.empty() ? id + ".safetensors" : command.out;
  ProgressDisplay display(context.err, context.columns);
  ASSIGN_OR_RETURN(
      const v1::Adapter adapter,
      context.client.DownloadAdapter(command.name, file, ShowOn(display, "download", context)));
  if (!command.reference.empty()) {
    RETURN_IF_ERROR(context.client.DownloadReference(command.name, command.reference).status());
  }
  display.Close();
  context.out << (context.json ? JsonLine(adapter) : file.string()) << '\n';
  return kExitOk;
}

CommandResult Run(const AdaptersImport& command, CommandContext& context) {
  ProgressDisplay display(context.err, context.columns);
  ASSIGN_OR_RETURN(const v1::Adapter adapter,
                   context.client.ImportAdapter(command.file, command.reference, command.base_model,
                                                ShowOn(display, "upload", context)));
  display.Close();
  context.out << (context.json ? JsonLine(adapter) : adapter.name()) << '\n';
  return kExitOk;
}

CommandResult Run(const AdaptersDelete& command, CommandContext& context) {
  RETURN_IF_ERROR(context.client.DeleteAdapter(command.name));
  return kExitOk;
}

}  // namespace vico
