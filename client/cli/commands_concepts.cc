// vico concepts …
#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/progress.h"
#include "common/status.h"

namespace vico::client {
namespace {

// The server speaks of pictures[2]; the user thinks of files.
void SayWhichFile(const absl::Status& status, const std::vector<std::string>& files,
                  CommandContext& context) {
  const std::string field = Field(status);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string picture = fmt::format("pictures[{}]", i);
    if (field.find(picture) == std::string::npos) continue;
    context.err << fmt::format("{} is {}\n", picture, Printable(files[i]));
  }
}

}  // namespace

CommandResult Run(const ConceptsUpload& command, CommandContext& context) {
  ProgressDisplay display(context.err, context.columns);
  const auto progress = [&](std::uint64_t sent, std::uint64_t total) {
    if (!context.columns()) return;  // a few seconds at most: nothing to say elsewhere
    Progress view;
    view.label = "upload";
    view.step = static_cast<std::int64_t>(sent / 1024);
    view.total = static_cast<std::int64_t>(total / 1024);
    view.unit = "KiB";
    display.Update(view);
  };
  const std::vector<std::filesystem::path> files(command.files.begin(), command.files.end());
  const auto uploaded_or = context.client.UploadConcept(files, command.display_name, progress);
  display.Close();
  if (!uploaded_or.ok()) {
    SayWhichFile(uploaded_or.status(), command.files, context);
    return uploaded_or.status();
  }
  const v1::Concept& uploaded = *uploaded_or;
  for (const v1::Event::Warning& warning : uploaded.warnings()) {
    context.err << fmt::format("warning: {} ({})\n", Printable(warning.message()),
                               Printable(warning.reason()));
  }
  context.out << (context.json ? JsonLine(uploaded) : uploaded.name()) << '\n';
  return kExitOk;
}

CommandResult Run(const ConceptsList& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const auto concepts, context.client.ListConcepts(command.limit));
  if (context.json) {
    for (const v1::Concept& shown : concepts) context.out << JsonLine(shown) << '\n';
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "PICTURES", "CREATED (UTC)", "CALLED"}};
  for (const v1::Concept& shown : concepts) {
    rows.push_back({shown.name(), fmt::format("{}", shown.pictures_size()),
                    TimeText(shown.create_time()), shown.display_name()});
  }
  context.out << Table(rows);
  return kExitOk;
}

CommandResult Run(const ConceptsShow& command, CommandContext& context) {
  ASSIGN_OR_RETURN(const v1::Concept shown, context.client.GetConcept(command.name));
  if (context.json) {
    context.out << JsonLine(shown) << '\n';
    return kExitOk;
  }
  context.out << Table({{"name", shown.name()},
                        {"called", shown.display_name()},
                        {"created", TimeText(shown.create_time()) + " UTC"}})
              << '\n';
  std::vector<std::vector<std::string>> rows = {{"PICTURE", "SIZE", "FILE"}};
  for (int i = 0; i < shown.pictures_size(); ++i) {
    const v1::ConceptPicture& picture = shown.pictures(i);
    rows.push_back({fmt::format("{}", i), fmt::format("{} x {}", picture.width(), picture.height()),
                    picture.file_name()});
  }
  context.out << Table(rows);
  for (const v1::Event::Warning& warning : shown.warnings()) {
    context.out << "warning: " << Printable(warning.message()) << '\n';
  }
  return kExitOk;
}

CommandResult Run(const ConceptsDelete& command, CommandContext& context) {
  RETURN_IF_ERROR(context.client.DeleteConcept(command.name));
  return kExitOk;
}

}  // namespace vico::client
