#include "common/formats/checkpoint/zip_reader.h"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "common/formats/checkpoint/zip_format.h"
#include "common/formats/little_endian.h"
#include "common/status.h"

namespace vico {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint32_t kLocalMagic = 0x04034b50;
constexpr uint32_t kEntryMagic = 0x02014b50;
constexpr uint32_t kEndMagic = 0x06054b50;
constexpr uint32_t kEnd64Magic = 0x06064b50;
constexpr uint32_t kLocatorMagic = 0x07064b50;
constexpr uint32_t kDescriptorMagic = 0x08074b50;
constexpr size_t kEntrySize = 46, kEndSize = 22, kEnd64Size = 56, kLocatorSize = 20;
constexpr uint16_t kEncrypted = 0x0001, kHasDescriptor = 0x0008, kUtf8Name = 0x0800;
constexpr uint16_t kMax16 = 0xFFFF;
constexpr uint32_t kMax32 = 0xFFFFFFFF;
constexpr uint16_t kZip64Field = 0x0001;

absl::Status Refuse(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("zip: {}", what));
}
absl::Status Refuse(std::string_view member, std::string_view what) {
  return Refuse(fmt::format("member \"{}\": {}", member.substr(0, 200), what));
}

std::string_view Text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The place of the directory in the archive.
struct Directory {
  uint64_t begin = 0, size = 0, members = 0;
};

/// The fields that a local header and a directory entry share.
struct Facts {
  uint16_t version = 0, flags = 0, method = 0, time = 0, date = 0;
  uint32_t crc32 = 0;
  uint64_t packed = 0, size = 0;
};

struct Entry {
  std::string_view name;
  Facts facts;
  uint64_t offset = 0;
};

Facts ReadFacts(Bytes bytes, size_t at) {  // consecutive in both headers
  Facts facts;
  facts.version = LoadLittleEndian<uint16_t>(bytes, at);
  facts.flags = LoadLittleEndian<uint16_t>(bytes, at + 2);
  facts.method = LoadLittleEndian<uint16_t>(bytes, at + 4);
  facts.time = LoadLittleEndian<uint16_t>(bytes, at + 6);
  facts.date = LoadLittleEndian<uint16_t>(bytes, at + 8);
  facts.crc32 = LoadLittleEndian<uint32_t>(bytes, at + 10);
  facts.packed = LoadLittleEndian<uint32_t>(bytes, at + 14);
  facts.size = LoadLittleEndian<uint32_t>(bytes, at + 18);
  return facts;
}

/// The zip64 field of a header, if it has one. All other extra fields must be padding.
absl::StatusOr<std::optional<Bytes>> Zip64Field(std::string_view member, Bytes extra) {
  std::optional<Bytes> found;
  while (!extra.empty()) {
    if (extra.size() < 4) return Refuse(member, "extra field is cut short");
    const auto id = LoadLittleEndian<uint16_t>(extra, 0);
    const size_t size = LoadLittleEndian<uint16_t>(extra, 2);
    if (size > extra.size() - 4) return Refuse(member, "extra field reaches beyond its header");
    if (id == kZip64Field) {
      if (found) return Refuse(member, "has two zip64 fields");
      found = extra.subspan(4, size);
    } else if (id != zip::kPaddingField) {
      return Refuse(member, fmt::format("extra field {:#06x} is not allowed", id));
    }
    extra = extra.subspan(4 + size);
  }
  return found;
}

absl::StatusOr<Directory> FindDirectory(Bytes archive) {
  if (archive.size() < kEndSize) return Refuse("is too short");
  const size_t end = archive.size() - kEndSize;
  if (LoadLittleEndian<uint32_t>(archive, end) != kEndMagic) {
    return Refuse("does not end with the directory's end record: cut short, or bytes after it");
  }
  if (LoadLittleEndian<uint16_t>(archive, end + 20) != 0) return Refuse("has a comment");
  const auto here = LoadLittleEndian<uint16_t>(archive, end + 4);
  const auto disk = LoadLittleEndian<uint16_t>(archive, end + 6);
  const auto on_disk = LoadLittleEndian<uint16_t>(archive, end + 8);
  const auto members = LoadLittleEndian<uint16_t>(archive, end + 10);
  const auto size = LoadLittleEndian<uint32_t>(archive, end + 12);
  const auto begin = LoadLittleEndian<uint32_t>(archive, end + 16);
  if (here != 0 || disk != 0 || on_disk != members) return Refuse("has several disks");

  Directory directory{.begin = begin, .size = size, .members = members};
  size_t directory_end = end;
  const bool has_locator = end >= kLocatorSize + kEnd64Size &&
                           LoadLittleEndian<uint32_t>(archive, end - kLocatorSize) == kLocatorMagic;
  if (has_locator) {
    const size_t locator = end - kLocatorSize;
    const size_t end64 = locator - kEnd64Size;
    if (LoadLittleEndian<uint32_t>(archive, locator + 4) != 0 ||
        LoadLittleEndian<uint32_t>(archive, locator + 16) != 1) {
      return Refuse("zip64 locator: has several disks");
    }
    if (LoadLittleEndian<uint64_t>(archive, locator + 8) != end64 ||
        LoadLittleEndian<uint32_t>(archive, end64) != kEnd64Magic ||
        LoadLittleEndian<uint64_t>(archive, end64 + 4) != kEnd64Size - 12) {
      return Refuse("zip64 end record: is not where its locator should point");
    }
    directory.members = LoadLittleEndian<uint64_t>(archive, end64 + 32);
    directory.size = LoadLittleEndian<uint64_t>(archive, end64 + 40);
    directory.begin = LoadLittleEndian<uint64_t>(archive, end64 + 48);
    if (LoadLittleEndian<uint32_t>(archive, end64 + 16) != 0 ||
        LoadLittleEndian<uint32_t>(archive, end64 + 20) != 0 ||
        LoadLittleEndian<uint64_t>(archive, end64 + 24) != directory.members) {
      return Refuse("zip64 end record: has several disks");
    }
    // A 32-bit field has either the same value or the marker for zip64.
    const auto agrees = [](uint64_t small, uint64_t large, uint64_t most) {
      return small == std::min(large, most) || small == most;
    };
    if (!agrees(members, directory.members, kMax16) || !agrees(size, directory.size, kMax32) ||
        !agrees(begin, directory.begin, kMax32)) {
      return Refuse("zip64 end record: contradicts the end record");
    }
    directory_end = end64;
  } else if (members == kMax16 || size == kMax32 || begin == kMax32) {
    return Refuse("zip64 end record: is missing");
  }
  if (directory.begin > directory_end || directory.size != directory_end - directory.begin) {
    return Refuse(
        fmt::format("directory of {} bytes at {} does not end where its end record begins",
                    directory.size, directory.begin));
  }
  return directory;
}

absl::StatusOr<Entry> ReadEntry(Bytes& rest) {
  if (rest.size() < kEntrySize || LoadLittleEndian<uint32_t>(rest, 0) != kEntryMagic) {
    return Refuse("directory: has fewer entries than it says");
  }
  Entry entry;
  entry.facts = ReadFacts(rest, 6);
  entry.offset = LoadLittleEndian<uint32_t>(rest, 42);
  const size_t name_size = LoadLittleEndian<uint16_t>(rest, 28);
  const size_t extra_size = LoadLittleEndian<uint16_t>(rest, 30);
  const size_t comment_size = LoadLittleEndian<uint16_t>(rest, 32);
  const auto disk = LoadLittleEndian<uint16_t>(rest, 34);
  if (rest.size() - kEntrySize < name_size + extra_size) return Refuse("directory: is cut short");
  entry.name = Text(rest.subspan(kEntrySize, name_size));
  if (comment_size != 0) return Refuse(entry.name, "has a comment");
  if (disk != 0) return Refuse(entry.name, "is on another disk");

  Facts& facts = entry.facts;
  ASSIGN_OR_RETURN(auto field,
                   Zip64Field(entry.name, rest.subspan(kEntrySize + name_size, extra_size)));
  Bytes large = field.value_or(Bytes());
  for (uint64_t* number : {&facts.size, &facts.packed, &entry.offset}) {
    if (*number != kMax32) continue;
    if (large.size() < 8) return Refuse(entry.name, "zip64 field: lacks a number");
    *number = LoadLittleEndian<uint64_t>(large, 0);
    large = large.subspan(8);
  }
  if (!large.empty()) return Refuse(entry.name, "zip64 field: has a number too many");

  if ((facts.flags & kEncrypted) != 0) return Refuse(entry.name, "is encrypted");
  if ((facts.flags & ~(kHasDescriptor | kUtf8Name)) != 0) {
    return Refuse(entry.name, fmt::format("flags {:#06x} are not allowed", facts.flags));
  }
  if (facts.method != 0) {
    return Refuse(entry.name, fmt::format("is compressed (method {}); only stored members are "
                                          "read",
                                          facts.method));
  }
  if (facts.packed != facts.size) return Refuse(entry.name, "is stored with two different sizes");
  rest = rest.subspan(kEntrySize + name_size + extra_size);
  return entry;
}

/// The data descriptor, which follows the bytes of a member whose local header was written before
/// the checksum was known.
absl::Status CheckDescriptor(const Entry& entry, Bytes descriptor) {
  const bool small = descriptor.size() == 16;
  if (!small && descriptor.size() != 24) {
    return Refuse(entry.name, "overlaps the next member or leaves a hole before it");
  }
  const uint64_t packed =
      small ? LoadLittleEndian<uint32_t>(descriptor, 8) : LoadLittleEndian<uint64_t>(descriptor, 8);
  const uint64_t size = small ? LoadLittleEndian<uint32_t>(descriptor, 12)
                              : LoadLittleEndian<uint64_t>(descriptor, 16);
  if (LoadLittleEndian<uint32_t>(descriptor, 0) != kDescriptorMagic ||
      LoadLittleEndian<uint32_t>(descriptor, 4) != entry.facts.crc32 ||
      packed != entry.facts.packed || size != entry.facts.size) {
    return Refuse(entry.name, "data descriptor: differs from the directory");
  }
  return absl::OkStatus();
}

/// Reads the member whose header, bytes and descriptor fill `place` exactly.
absl::StatusOr<ZipMember> ReadMember(const Entry& entry, Bytes place) {
  if (place.size() < zip::kLocalSize || LoadLittleEndian<uint32_t>(place, 0) != kLocalMagic) {
    return Refuse(entry.name, "has no local header where the directory says");
  }
  Facts local = ReadFacts(place, 4);
  const size_t name_size = LoadLittleEndian<uint16_t>(place, 26);
  const size_t extra_size = LoadLittleEndian<uint16_t>(place, 28);
  if (place.size() - zip::kLocalSize < name_size + extra_size) {
    return Refuse(entry.name, "local header: overlaps the next member");
  }
  const auto differs = [&](std::string_view what) {
    return Refuse(entry.name, fmt::format("local header: {} differs from the directory's", what));
  };
  if (Text(place.subspan(zip::kLocalSize, name_size)) != entry.name) return differs("name");
  ASSIGN_OR_RETURN(const auto field,
                   Zip64Field(entry.name, place.subspan(zip::kLocalSize + name_size, extra_size)));
  const Facts& facts = entry.facts;
  if (local.flags != facts.flags) return differs("flags");
  if (local.method != facts.method) return differs("method");
  if (local.version != facts.version) return differs("version");
  if (local.time != facts.time || local.date != facts.date) return differs("time");

  const bool descriptor = (facts.flags & kHasDescriptor) != 0;
  // With a descriptor these fields are zero in the local header.
  if (descriptor) {
    if (local.crc32 != 0 && local.crc32 != facts.crc32) return differs("CRC");
    for (const uint64_t number : {local.packed, local.size}) {
      if (number != 0 && number != std::min<uint64_t>(facts.size, kMax32) && number != kMax32) {
        return differs("size");
      }
    }
  } else {
    const bool is_large = local.size == kMax32 || local.packed == kMax32;
    if (is_large) {
      if (!field || field->size() < 16) return Refuse(entry.name, "zip64 field: lacks a number");
      local.size = LoadLittleEndian<uint64_t>(*field, 0);
      local.packed = LoadLittleEndian<uint64_t>(*field, 8);
    }
    if (local.crc32 != facts.crc32) return differs("CRC");
    if (local.size != facts.size || local.packed != facts.packed) return differs("size");
  }

  const Bytes rest = place.subspan(zip::kLocalSize + name_size + extra_size);
  if (facts.size > rest.size()) {
    return Refuse(entry.name, fmt::format("its {} bytes reach into the next member or beyond the "
                                          "file",
                                          facts.size));
  }
  const Bytes behind = rest.subspan(facts.size);
  if (descriptor) {
    RETURN_IF_ERROR(CheckDescriptor(entry, behind));
  } else if (!behind.empty()) {
    return Refuse(entry.name, fmt::format("leaves a hole of {} bytes behind it", behind.size()));
  }
  return ZipMember{.name = entry.name, .bytes = rest.first(facts.size), .crc32 = facts.crc32};
}

}  // namespace

absl::StatusOr<std::vector<ZipMember>> ReadZip(Bytes archive, size_t most_members) {
  ASSIGN_OR_RETURN(const Directory directory, FindDirectory(archive));
  if (directory.members == 0) return Refuse("has no members");
  if (directory.members > most_members) {
    return Refuse(
        fmt::format("has {} members, at most {} allowed", directory.members, most_members));
  }
  Bytes rest = archive.subspan(directory.begin, directory.size);
  std::vector<Entry> entries;
  while (entries.size() < directory.members) {
    ASSIGN_OR_RETURN(Entry entry, ReadEntry(rest));
    entries.push_back(entry);
  }
  if (!rest.empty()) return Refuse("directory: has bytes behind its last entry");

  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.offset < b.offset; });
  if (entries.front().offset != 0) {
    return Refuse(entries.front().name, "is the first, but the file begins with other bytes");
  }
  std::vector<ZipMember> members;
  for (size_t i = 0; i < entries.size(); ++i) {
    const bool last = i + 1 == entries.size();
    const uint64_t end = last ? directory.begin : entries[i + 1].offset;
    if (end > directory.begin || end <= entries[i].offset) {
      return Refuse(entries[i].name, "overlaps the next member or the directory");
    }
    ASSIGN_OR_RETURN(
        const ZipMember member,
        ReadMember(entries[i], archive.subspan(entries[i].offset, end - entries[i].offset)));
    members.push_back(member);
  }
  std::sort(members.begin(), members.end(),
            [](const ZipMember& a, const ZipMember& b) { return a.name < b.name; });
  const auto twice =
      std::adjacent_find(members.begin(), members.end(),
                         [](const ZipMember& a, const ZipMember& b) { return a.name == b.name; });
  if (twice != members.end()) return Refuse(twice->name, "is there twice");
  return members;
}

}  // namespace vico
