#include "server/pictures/scan/heif_boxes.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr size_t kMaxItems = 4096;
constexpr size_t kMaxExtents = 64;
constexpr size_t kMaxProperties = 255;  // of an item

absl::Status BadHeif(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("is not a valid HEIC or AVIF: {}", what));
}

absl::Status Check(const BoxReader& reader, std::string_view box) {
  return reader.good() ? absl::OkStatus() : BadHeif(fmt::format("its box {} is cut", box));
}

void ReadItemInfo(std::string_view content, HeifFile& file) {
  BoxReader info(content);
  const uint64_t version = info.Number(1);
  info.Take(3);
  if (version < 2) return;
  const auto id = static_cast<uint32_t>(info.Number(version == 2 ? 2 : 4));
  info.Take(2);  // protection
  const std::string_view type = info.Take(4);
  if (info.good()) file.items[id].type = type;
}

absl::Status ReadItemInfos(std::string_view content, HeifFile& file) {
  BoxReader header(content);
  const uint64_t version = header.Number(1);
  header.Take(3);
  header.Take(version == 0 ? 2 : 4);
  std::string_view boxes = header.Rest();
  for (Box box = TakeBox(boxes); !box.type.empty(); box = TakeBox(boxes)) {
    if (file.items.size() >= kMaxItems) return BadHeif("it has too many items");
    if (box.type == "infe") ReadItemInfo(box.content, file);
  }
  return absl::OkStatus();
}

absl::Status ReadLocations(std::string_view content, HeifFile& file) {
  BoxReader reader(content);
  const uint64_t version = reader.Number(1);
  reader.Take(3);
  const uint64_t sizes = reader.Number(2);
  const size_t offset_size = sizes >> 12 & 15, length_size = sizes >> 8 & 15;
  const size_t base_size = sizes >> 4 & 15, index_size = version == 0 ? 0 : sizes & 15;
  uint64_t count = reader.Number(version < 2 ? 2 : 4);
  if (version > 2 || count > kMaxItems) return BadHeif("it has too many items");
  for (; count > 0 && reader.good(); --count) {
    const auto id = static_cast<uint32_t>(reader.Number(version < 2 ? 2 : 4));
    const uint64_t method = version == 0 ? 0 : reader.Number(2) & 15;
    reader.Take(2);  // data reference
    const uint64_t base = reader.Number(base_size);
    const uint64_t extents = reader.Number(2);
    if (extents > kMaxExtents || method > 1) return BadHeif("an item is stored in an unusual way");
    HeifItem& item = file.items[id];
    item.in_idat = method == 1;
    item.extents.clear();
    for (uint64_t i = 0; i < extents; ++i) {
      reader.Take(index_size);
      const uint64_t at = base + reader.Number(offset_size);
      item.extents.push_back({at, reader.Number(length_size)});
    }
  }
  return Check(reader, "iloc");
}

absl::Status ReadReferences(std::string_view content, HeifFile& file) {
  BoxReader header(content);
  const size_t id_size = header.Number(1) == 0 ? 2 : 4;
  header.Take(3);
  std::string_view boxes = header.Rest();
  for (Box box = TakeBox(boxes); !box.type.empty(); box = TakeBox(boxes)) {
    BoxReader reader(box.content);
    HeifFile::Reference reference{box.type, static_cast<uint32_t>(reader.Number(id_size)), {}};
    const uint64_t count = reader.Number(2);
    if (count > kMaxItems || file.references.size() >= kMaxItems) {
      return BadHeif("it has too many references");
    }
    for (uint64_t i = 0; i < count; ++i) {
      reference.to.push_back(static_cast<uint32_t>(reader.Number(id_size)));
    }
    RETURN_IF_ERROR(Check(reader, "iref"));
    file.references.push_back(std::move(reference));
  }
  return absl::OkStatus();
}

absl::Status ReadAssociations(std::string_view content, HeifFile& file) {
  BoxReader reader(content);
  const uint64_t version = reader.Number(1);
  reader.Take(2);
  const bool wide = (reader.Number(1) & 1) != 0;
  uint64_t count = reader.Number(4);
  if (count > kMaxItems) return BadHeif("it has too many items");
  for (; count > 0 && reader.good(); --count) {
    const auto found = file.items.find(static_cast<uint32_t>(reader.Number(version == 0 ? 2 : 4)));
    for (uint64_t left = reader.Number(1); left > 0; --left) {
      const uint64_t index = reader.Number(wide ? 2 : 1) & (wide ? 0x7fff : 0x7f);
      if (found == file.items.end() || index == 0) continue;
      // Each tile goes through its item's properties.
      if (found->second.properties.size() >= kMaxProperties) {
        return BadHeif("an item has too many properties");
      }
      found->second.properties.push_back(static_cast<uint32_t>(index - 1));
    }
  }
  return Check(reader, "ipma");
}

absl::Status ReadProperties(std::string_view boxes, HeifFile& file) {
  for (Box box = TakeBox(boxes); !box.type.empty(); box = TakeBox(boxes)) {
    if (box.type == "ipma") RETURN_IF_ERROR(ReadAssociations(box.content, file));
    if (box.type != "ipco") continue;
    std::string_view properties = box.content;
    for (Box one = TakeBox(properties); !one.type.empty(); one = TakeBox(properties)) {
      if (file.properties.size() >= kMaxItems) return BadHeif("it has too many properties");
      file.properties.push_back(one);
    }
  }
  return absl::OkStatus();
}

absl::Status ReadMeta(std::string_view content, HeifFile& file) {
  BoxReader header(content);
  header.Take(4);
  const std::string_view all = header.Rest();
  // Properties belong to items, which may come later.
  for (const bool properties : {false, true}) {
    std::string_view boxes = all;
    for (Box box = TakeBox(boxes); !box.type.empty(); box = TakeBox(boxes)) {
      if (properties) {
        if (box.type == "iprp") RETURN_IF_ERROR(ReadProperties(box.content, file));
        continue;
      }
      if (box.type == "iinf") RETURN_IF_ERROR(ReadItemInfos(box.content, file));
      if (box.type == "iloc") RETURN_IF_ERROR(ReadLocations(box.content, file));
      if (box.type == "iref") RETURN_IF_ERROR(ReadReferences(box.content, file));
      if (box.type == "idat") file.idat = box.content;
      if (box.type == "pitm") {
        BoxReader reader(box.content);
        const size_t size = reader.Number(1) == 0 ? 2 : 4;
        reader.Take(3);
        file.primary = static_cast<uint32_t>(reader.Number(size));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

uint64_t BoxReader::Number(size_t size) {
  uint64_t value = 0;
  for (const char byte : Take(std::min<size_t>(size, 8))) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

std::string_view BoxReader::Take(size_t size) {
  if (size > bytes_.size()) {
    good_ = false;
    bytes_ = {};
    return {};
  }
  const std::string_view taken = bytes_.substr(0, size);
  bytes_.remove_prefix(size);
  return taken;
}

std::string_view BoxReader::Text() {
  const size_t end = std::min(bytes_.find('\0'), bytes_.size());
  const std::string_view text = Take(end);
  if (!bytes_.empty()) bytes_.remove_prefix(1);
  return text;
}

Box TakeBox(std::string_view& bytes) {
  BoxReader reader(bytes);
  uint64_t size = reader.Number(4);
  const std::string_view type = reader.Take(4);
  size_t header = 8;
  if (size == 1) {
    size = reader.Number(8);
    header = 16;
  } else if (size == 0) {
    size = bytes.size();
  }
  if (!reader.good() || size < header || size > bytes.size()) {
    bytes = {};
    return {};
  }
  const std::string_view content = bytes.substr(header, size - header);
  bytes.remove_prefix(size);
  return {type, content};
}

std::string_view HeifFile::Property(const HeifItem& item, std::string_view type) const {
  for (const uint32_t index : item.properties) {
    if (index < properties.size() && properties[index].type == type) {
      return properties[index].content;
    }
  }
  return {};
}

absl::StatusOr<std::string_view> HeifFile::Data(const HeifItem& item, uint64_t& budget,
                                                std::deque<std::string>& storage) const {
  const std::string_view source = item.in_idat ? idat : bytes;
  std::vector<std::string_view> pieces;
  uint64_t total = 0;
  for (const HeifItem::Extent& extent : item.extents) {
    if (extent.at > source.size() || extent.size > source.size() - extent.at) {
      return absl::InvalidArgumentError(
          fmt::format("does not decode: the file ends at byte {}, before its pixels do; the file "
                      "is incomplete",
                      bytes.size()));
    }
    // Zero means all that follows.
    pieces.push_back(extent.size == 0 ? source.substr(extent.at)
                                      : source.substr(extent.at, extent.size));
    total += pieces.back().size();
  }
  if (pieces.empty()) return BadHeif("an item has no data");
  if (total > budget) return BadHeif("its items share their data");
  budget -= total;
  if (pieces.size() == 1) return pieces.front();
  std::string joined;
  for (const std::string_view piece : pieces) joined += piece;
  storage.push_back(std::move(joined));
  return std::string_view(storage.back());
}

absl::StatusOr<HeifFile> ReadHeif(std::string_view bytes) {
  HeifFile file;
  file.bytes = bytes;
  std::string_view boxes = bytes;
  bool has_meta = false;
  for (Box box = TakeBox(boxes); !box.type.empty(); box = TakeBox(boxes)) {
    if (box.type != "meta" || has_meta) continue;
    RETURN_IF_ERROR(ReadMeta(box.content, file));
    has_meta = true;
  }
  if (!has_meta) return BadHeif("it has no box of pictures (meta)");
  if (!file.items.contains(file.primary)) return BadHeif("it names no picture (pitm)");
  return file;
}

}  // namespace vico::server
