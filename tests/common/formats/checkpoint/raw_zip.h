// Builds zip archives with arbitrary values in every field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/formats/crc32.h"
#include "common/formats/little_endian.h"

namespace vico {

struct RawMember {
  std::string name, bytes;
  std::string local_name;  ///< empty: the name in the directory
  uint16_t flags = 0, local_flags = 0, method = 0;
  uint32_t crc_change = 0, local_crc_change = 0;
  int32_t size_change = 0, packed_change = 0, local_size_change = 0;
  std::string extra, local_extra, comment, behind;
  int64_t offset_change = 0;
  bool in_directory = true;
};

struct RawZip {
  std::vector<RawMember> members;
  std::string prefix, before_end, suffix, comment;
  int count_change = 0;
  std::optional<uint32_t> directory_size, directory_begin;

  RawMember& at(const std::string& name) {
    for (RawMember& member : members) {
      if (member.name == name) return member;
    }
    return members.front();
  }

  std::string Bytes() const {
    std::string file = prefix;
    std::string directory;
    uint16_t count = 0;
    const auto put16 = [](auto n, std::string& to) { AppendLittleEndian<uint16_t>(n, to); };
    const auto put32 = [](auto n, std::string& to) {
      AppendLittleEndian(static_cast<uint32_t>(n), to);
    };
    for (const RawMember& m : members) {
      const std::string& local = m.local_name.empty() ? m.name : m.local_name;
      const uint32_t crc = Crc32(std::as_bytes(std::span(m.bytes)));
      const auto offset = static_cast<int64_t>(file.size()) + m.offset_change;
      file += "PK\x03\x04";
      put16(0, file);
      put16(m.local_flags, file);
      put16(m.method, file);
      put32(0, file);
      put32(crc + m.local_crc_change, file);
      put32(m.bytes.size() + m.local_size_change, file);
      put32(m.bytes.size() + m.local_size_change, file);
      put16(local.size(), file);
      put16(m.local_extra.size(), file);
      file += local + m.local_extra + m.bytes + m.behind;
      if (!m.in_directory) continue;
      ++count;
      directory += "PK\x01\x02";
      put32(0, directory);
      put16(m.flags, directory);
      put16(m.method, directory);
      put32(0, directory);
      put32(crc + m.crc_change, directory);
      put32(m.bytes.size() + m.size_change + m.packed_change, directory);
      put32(m.bytes.size() + m.size_change, directory);
      put16(m.name.size(), directory);
      put16(m.extra.size(), directory);
      put16(m.comment.size(), directory);
      directory.append(8, '\0');
      put32(offset, directory);
      directory += m.name + m.extra + m.comment;
    }
    const size_t begin = file.size();
    file += directory + before_end + "PK\x05\x06";
    put32(0, file);
    put16(count + count_change, file);
    put16(count + count_change, file);
    put32(directory_size.value_or(directory.size()), file);
    put32(directory_begin.value_or(begin), file);
    put16(comment.size(), file);
    return file + comment + suffix;
  }
};

}  // namespace vico
