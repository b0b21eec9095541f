// WriteAdapterFile: what was read, as an adapter file of ours.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/adapter_formats/adapter_formats.h"
#include "common/formats/adapter_layout.h"

namespace vico::client {

absl::Status WriteAdapterFile(const ForeignAdapter& adapter, const AdapterFileFacts& facts,
                              const std::filesystem::path& file) {
  const std::string& placeholder =
      facts.placeholder.empty() ? adapter.placeholder : facts.placeholder;
  if (!IsPlaceholder(placeholder)) {
    return absl::InvalidArgumentError(
        fmt::format("--placeholder: must be 1..32 characters of [A-Za-z0-9_*<>-], {} \"{}\"",
                    facts.placeholder.empty() ? "and is needed, since the file has" : "got",
                    placeholder.substr(0, 40)));
  }
  const std::map<std::string, std::string> metadata = {
      {"format", "vico-adapter"},
      {"format_version", "1"},
      {"dialect", std::string(DialectOf(adapter.format))},
      {"base_model_digest", facts.base_model_digest},
      {"placeholder", placeholder},
      {"init_word", facts.init_word},
      {"sites", nlohmann::json(adapter.sites).dump()},
      {"imported_from", adapter.format == ForeignFormat::kAuthors ? "authors" : "mmagic"}};
  return WriteSafetensors(file.string(), adapter.tensors, metadata);
}

}  // namespace vico::client
