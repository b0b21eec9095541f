// WriteAdapterFile(): writes an imported checkpoint as an adapter file.
#include <fmt/format.h>

#include "client/adapter_formats/adapter_formats.h"
#include "common/formats/adapter_header.h"
#include "common/formats/adapter_layout.h"
#include "common/plain_text.h"

namespace vico::client {

absl::Status WriteAdapterFile(const ForeignAdapter& adapter, const AdapterFileFacts& facts,
                              const std::filesystem::path& file) {
  AdapterHeader header;
  header.dialect = DialectOf(adapter.format);
  header.base_model_digest = facts.base_model_digest;
  header.placeholder = facts.placeholder.empty() ? adapter.placeholder : facts.placeholder;
  header.init_word = facts.init_word;
  header.sites = adapter.sites;
  header.imported_from = adapter.format == ForeignFormat::kAuthors ? "authors" : "mmagic";
  if (!IsPlaceholder(header.placeholder)) {
    return absl::InvalidArgumentError(
        fmt::format("--placeholder: must be 1..32 characters of [A-Za-z0-9_*<>-], {} \"{}\"",
                    facts.placeholder.empty() ? "and is required, since the file has" : "got",
                    PlainText(header.placeholder, 40)));
  }
  return WriteSafetensors(file.string(), adapter.tensors, AdapterMetadata(header));
}

}  // namespace vico::client
