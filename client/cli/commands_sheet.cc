// vico sheet: draws the prompts, several in a job, and composes one picture of all.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <span>
#include <utility>

#include <absl/strings/str_replace.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/cli/commands.h"
#include "client/cli/prompts_file.h"
#include "client/cli/split_prompts.h"
#include "client/cli/watch_to_end.h"
#include "client/lib/local_file.h"
#include "client/output/output.h"
#include "client/output/picture_folder.h"
#include "client/sheet/sheet.h"
#include "common/status.h"

namespace vico::client {
namespace {

constexpr std::size_t kNameLetters = 8;
constexpr int kMostNames = 1000;
constexpr std::uint64_t kMostPixels = std::uint64_t{1} << 28;  // of a sheet: 800 MB in memory

// What is drawn of a prompt: with the adapter, or with the base model alone.
struct Drawing {
  std::string prompt;
  std::string job;
  std::vector<std::optional<Pixels>> pictures;  // one for each seed
};

// The columns with the adapter, or with the base model alone.
struct Group {
  v1::GenerateSpec spec;  // without prompts
  std::vector<Drawing> drawings;
};

std::filesystem::path OutOf(const ContactSheet& command) {
  const std::string id = command.name.substr(command.name.rfind('/') + 1).substr(0, kNameLetters);
  const std::string name = id + "_sheet.png";
  const std::filesystem::path out = command.out;
  std::error_code ignored;
  if (out.empty()) return name;
  return std::filesystem::is_directory(out, ignored) ? out / name : out;
}

absl::Status CheckOut(const std::filesystem::path& out, bool force) {
  if (out.extension() != ".png") {
    return absl::InvalidArgumentError(
        fmt::format("--out: must be a folder or a file .png, got \"{}\"", Printable(out.string())));
  }
  const std::filesystem::path folder = out.has_parent_path() ? out.parent_path() : ".";
  RETURN_IF_ERROR(WithField("--out", CheckWritable(folder)));
  std::error_code ignored;
  const auto status = std::filesystem::symlink_status(out, ignored);
  if (force || !std::filesystem::exists(status)) return absl::OkStatus();
  return absl::AlreadyExistsError(fmt::format("{}; --out names another file, --force replaces",
                                              ToStd(AlreadyThere(out).message())));
}

// Another program may have taken the name since CheckOut: the sheet gets the next free one.
absl::StatusOr<std::filesystem::path> WriteSheet(const std::filesystem::path& out,
                                                 const std::string& png, bool force) {
  absl::Status written;
  for (int number = 1; number <= kMostNames; ++number) {
    const std::filesystem::path file =
        out.parent_path() / NumberedName(out.filename().string(), number);
    written = WriteAtomically(file, png, force ? Existing::kReplace : Existing::kKeep);
    if (written.ok()) return file;
    if (!absl::IsAlreadyExists(written)) break;
  }
  return written;
}

// Before the work: whether the sheet has a size that can be composed.
absl::Status CheckSize(std::size_t pictures, int tile) {
  const auto side = static_cast<std::uint64_t>(tile);
  if (pictures * side * side <= kMostPixels) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "--tile: {0} pictures of {1} x {1} pixels are too many for a sheet; fewer prompts "
      "or seeds, or smaller tiles, fit",
      pictures, tile));
}

absl::StatusOr<std::vector<std::string>> PromptsOf(const ContactSheet& command,
                                                   const std::string& word) {
  if (!command.prompts_file.empty()) {
    auto prompts = ReadPrompts(command.prompts_file);
    RETURN_IF_ERROR(WithField("--prompts", prompts.status()));
    return prompts;
  }
  if (!command.prompts.empty()) return command.prompts;
  std::vector<std::string> prompts;
  for (const char* const scene : {"", " on the beach", " in the snow", " under the night sky"}) {
    prompts.push_back(fmt::format("a photo of {}{}", word, scene));
  }
  return prompts;
}

// "a photo of a S*" is "a photo of a robot" for the base model alone, which does not know S*.
std::string WithClass(const std::string& prompt, const v1::Adapter& adapter) {
  const std::string& word = adapter.placeholder();
  const std::string& init_word = adapter.init_word();
  if (word.empty() || init_word.empty()) return prompt;
  const bool vowel = std::string_view("aeiouAEIOU").find(init_word[0]) != std::string_view::npos;
  const std::string with_article = fmt::format("{} {}", vowel ? "an" : "a", init_word);
  return absl::StrReplaceAll(absl::StrReplaceAll(prompt, {{"a " + word, word}}),
                             {{word, with_article}});
}

absl::StatusOr<std::vector<Group>> GroupsOf(const ContactSheet& command,
                                            const v1::Adapter& adapter) {
  v1::GenerateSpec spec = command.spec;
  if (spec.seeds().empty()) {
    for (const std::uint64_t seed : {1, 2, 3}) spec.add_seeds(seed);
  }
  spec.set_picture_count(spec.seeds_size());
  std::vector<Group> groups;
  if (command.bare) {
    groups.push_back({spec, {}});
    groups.back().spec.set_base_model(adapter.base_model());
  }
  groups.push_back({spec, {}});
  groups.back().spec.set_adapter(adapter.name());

  ASSIGN_OR_RETURN(const std::vector<std::string> prompts,
                   PromptsOf(command, adapter.placeholder()));
  const auto seeds = static_cast<std::size_t>(spec.seeds_size());
  RETURN_IF_ERROR(CheckSize(prompts.size() * seeds * groups.size(), command.tile));
  for (Group& group : groups) {
    const bool bare = group.spec.adapter().empty();
    for (const std::string& prompt : prompts) {
      group.drawings.push_back({bare ? WithClass(prompt, adapter) : prompt, "",
                                std::vector<std::optional<Pixels>>(seeds)});
    }
  }
  return groups;
}

// Draws one job, and keeps its pictures in `drawings`: one for each of its prompts.
CommandResult DrawJob(const ContactSheet& command, CommandContext& context,
                      const v1::GenerateSpec& spec, std::span<Drawing> drawings) {
  const auto seeds = static_cast<std::size_t>(spec.seeds_size());
  const auto keep = [&](const v1::Event& event, const std::string& png) -> absl::Status {
    const auto index = static_cast<std::size_t>(event.picture().index());
    if (index >= drawings.size() * seeds) return absl::OkStatus();
    ASSIGN_OR_RETURN(drawings[index / seeds].pictures[index % seeds], DecodePng(png));
    return absl::OkStatus();
  };
  JobView view({.label = "generate", .json = context.json, .on_picture = keep}, context.out,
               context.err, context.columns);
  const Watched watched{view, command.cancel_on_interrupt, true, ""};
  CommandResult result = WatchToEnd(watched, context, [&](const std::stop_token& stop) {
    return context.client.Generate(spec, view, stop);
  });
  for (Drawing& drawing : drawings) drawing.job = view.job();
  return result;
}

// Says which of all drawings a job draws.
void PrintPrompts(std::span<const Drawing> drawings, std::size_t first, std::size_t all,
                  CommandContext& context) {
  if (context.json) return;
  for (const Drawing& drawing : drawings) {
    context.err << fmt::format("{} of {}: {}\n", ++first, all, Printable(drawing.prompt));
  }
}

CommandResult DrawAll(const ContactSheet& command, CommandContext& context,
                      std::vector<Group>& groups) {
  std::size_t done = 0;
  for (Group& group : groups) {
    std::vector<std::string> prompts;
    for (const Drawing& drawing : group.drawings) prompts.push_back(drawing.prompt);
    std::span<Drawing> rest = group.drawings;
    for (const v1::GenerateSpec& spec : SplitPrompts(group.spec, prompts)) {
      const auto count = static_cast<std::size_t>(spec.prompts_size());
      PrintPrompts(rest.first(count), done, groups.size() * prompts.size(), context);
      CommandResult result = DrawJob(command, context, spec, rest.first(count));
      if (!result.ok() || *result != kExitOk) return result;
      rest = rest.subspan(count);
      done += count;
    }
  }
  return kExitOk;
}

// Moves the pictures.
Sheet Compose(const v1::Adapter& adapter, std::vector<Group>& groups) {
  Sheet sheet;
  sheet.title = fmt::format("{}: {} ({}), {}", adapter.name(), adapter.placeholder(),
                            adapter.init_word(), adapter.base_model());
  SheetGroup seeds;
  for (const std::uint64_t seed : groups[0].spec.seeds()) {
    seeds.columns.push_back(fmt::format("seed {}", seed));
  }
  sheet.groups.assign(groups.size(), seeds);
  if (groups.size() > 1) {
    sheet.groups.front().heading = fmt::format("base model alone, {}", adapter.init_word());
    sheet.groups.back().heading = fmt::format("with the adapter, {}", adapter.placeholder());
  }
  for (std::size_t i = 0; i < groups.back().drawings.size(); ++i) {
    SheetRow row{groups.back().drawings[i].prompt, {}};
    for (Group& group : groups) {
      auto& pictures = group.drawings[i].pictures;
      std::move(pictures.begin(), pictures.end(), std::back_inserter(row.pictures));
    }
    sheet.rows.push_back(std::move(row));
  }
  return sheet;
}

nlohmann::ordered_json DrawingJson(const v1::GenerateSpec& spec, const Drawing& drawing) {
  return {{"job", drawing.job},
          {"prompt", drawing.prompt},
          {"adapter", spec.adapter()},
          {"seeds", std::vector<std::uint64_t>(spec.seeds().begin(), spec.seeds().end())}};
}

std::string SheetJson(const std::filesystem::path& file, const v1::Adapter& adapter,
                      const std::vector<Group>& groups) {
  nlohmann::ordered_json jobs = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < groups.back().drawings.size(); ++i) {
    for (const Group& group : groups) jobs.push_back(DrawingJson(group.spec, group.drawings[i]));
  }
  const nlohmann::ordered_json line = {
      {"file", file.string()}, {"adapter", adapter.name()}, {"jobs", std::move(jobs)}};
  return line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

CommandResult Run(const ContactSheet& command, CommandContext& context) {
  const std::filesystem::path out = OutOf(command);
  RETURN_IF_ERROR(CheckOut(out, command.force));
  ASSIGN_OR_RETURN(const v1::Adapter adapter, context.client.GetAdapter(command.name));
  ASSIGN_OR_RETURN(std::vector<Group> groups, GroupsOf(command, adapter));
  const std::unique_ptr<TerminalPictures> terminal = OpenTerminal(command.show, context);
  ShowDrawnSeeds(command.drawn_seeds, context);
  CommandResult result = DrawAll(command, context, groups);
  if (!result.ok() || *result != kExitOk) {
    context.err << "no sheet was written\n";
    return result;
  }

  const Sheet sheet = Compose(adapter, groups);
  const Pixels picture = DrawSheet(sheet, command.tile);
  ASSIGN_OR_RETURN(const std::string png, EncodePng(picture));
  ASSIGN_OR_RETURN(const std::filesystem::path file, WriteSheet(out, png, command.force));
  if (terminal) terminal->ShowWide(picture);
  if (!HasAllCharacters(sheet)) {
    context.err << "the sheet's font has only ASCII: other letters are shown without accents, or "
                   "as ?\n";
  }
  context.out << (context.json ? SheetJson(file, adapter, groups) : file.string()) << '\n';
  return kExitOk;
}

}  // namespace vico::client
