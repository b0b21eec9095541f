// vico concepts upload|list|show|update|delete.
#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/labels.h"
#include "client/cli/print_list.h"
#include "client/output/output.h"
#include "client/output/progress.h"
#include "common/status.h"

namespace vico::client {
namespace {

// Says which files pictures[2] and pictures[3] in the server's message are.
void PrintFilesOfFields(const absl::Status& status, const std::vector<std::string>& files,
                        CommandContext& context) {
  const std::string text = ErrorText(status);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string picture = fmt::format("pictures[{}]", i);
    if (text.find(picture) == std::string::npos) continue;
    context.err << fmt::format("{} is {}\n", picture, Printable(files[i]));
  }
}

}  // namespace

CommandResult Run(const ConceptsUpload& command, CommandContext& context) {
  ProgressDisplay display(context.err, context.columns);
  const std::vector<std::filesystem::path> files(command.files.begin(), command.files.end());
  const auto uploaded_or =
      context.client.UploadConcept(files, command.display_name, display.ForTransfer("upload"));
  display.Close();
  if (!uploaded_or.ok()) {
    PrintFilesOfFields(uploaded_or.status(), command.files, context);
    return uploaded_or.status();
  }
  const v1::Concept& uploaded = *uploaded_or;
  for (const v1::Event::Warning& warning : uploaded.warnings()) {
    context.err << WarningText(warning) << '\n';
  }
  context.out << (context.json ? JsonLine(uploaded) : Printable(uploaded.name())) << '\n';
  RETURN_IF_ERROR(SetLabels(uploaded.name(), command.labels, context.client));
  return kExitOk;
}

CommandResult Run(const ConceptsList& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const auto concepts, context.client.ListConcepts(command.limit));
  const auto row = [](const v1::Concept& item) -> std::vector<std::string> {
    return {item.name(), fmt::format("{}", item.pictures_size()), TimeText(item.create_time()),
            item.display_name()};
  };
  PrintList(concepts, {"NAME", "PICTURES", "CREATED (UTC)", "DISPLAY NAME"}, row, context);
  return kExitOk;
}

CommandResult Run(const ConceptsShow& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Concept found, context.client.GetConcept(command.name));
  if (context.json) {
    context.out << JsonLine(found) << '\n';
    return kExitOk;
  }
  std::vector<std::vector<std::string>> about = {
      {"name", found.name()}, {"created", TimeText(found.create_time()) + " UTC"}};
  AddNameAndLabels(found, about);
  context.out << Table(about) << '\n';
  std::vector<std::vector<std::string>> rows = {{"PICTURE", "SIZE", "FILE"}};
  for (int i = 0; i < found.pictures_size(); ++i) {
    const v1::ConceptPicture& picture = found.pictures(i);
    rows.push_back({fmt::format("{}", i), fmt::format("{} x {}", picture.width(), picture.height()),
                    picture.file_name()});
  }
  context.out << Table(rows);
  for (const v1::Event::Warning& warning : found.warnings()) {
    context.err << WarningText(warning) << '\n';
  }
  return kExitOk;
}

CommandResult Run(const ConceptsUpdate& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Concept updated,
                   UpdateConcept(command.name, command.changes, context.client));
  context.out << (context.json ? JsonLine(updated) : Printable(updated.name())) << '\n';
  return kExitOk;
}

CommandResult Run(const ConceptsDelete& command, CommandContext& context) {
  RETURN_IF_ERROR(context.client.DeleteConcept(command.name));
  return kExitOk;
}

}  // namespace vico::client
