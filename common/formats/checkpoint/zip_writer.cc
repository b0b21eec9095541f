#include "common/formats/checkpoint/zip_writer.h"

#include <cstdint>
#include <utility>

#include "common/formats/checkpoint/zip_format.h"
#include "common/formats/crc32.h"
#include "common/formats/little_endian.h"

namespace vico {
namespace {

constexpr size_t kAlignment = 64;  // of each member's bytes, as in files of torch.save
constexpr size_t kFieldSize = 4;
constexpr size_t kMost = 0xFFFFFFFE;
constexpr size_t kMostMembers = 0xFFFE;

}  // namespace

void ZipWriter::Add(std::string_view name, std::span<const std::byte> bytes) {
  const size_t offset = bytes_.size();
  too_large_ = too_large_ || bytes.size() > kMost || offset > kMost - bytes.size();
  if (too_large_) return;
  std::string facts;                       // the same in both headers
  AppendLittleEndian<uint16_t>(0, facts);  // version
  AppendLittleEndian<uint16_t>(0, facts);  // flags
  AppendLittleEndian<uint16_t>(0, facts);  // stored
  AppendLittleEndian<uint32_t>(0, facts);  // time and date
  AppendLittleEndian<uint32_t>(Crc32(bytes), facts);
  AppendLittleEndian(static_cast<uint32_t>(bytes.size()), facts);
  AppendLittleEndian(static_cast<uint32_t>(bytes.size()), facts);
  AppendLittleEndian(static_cast<uint16_t>(name.size()), facts);

  const size_t unpadded = offset + zip::kLocalSize + name.size() + kFieldSize;
  const size_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
  bytes_ += "PK\x03\x04" + facts;
  AppendLittleEndian(static_cast<uint16_t>(kFieldSize + padding), bytes_);
  bytes_ += name;
  AppendLittleEndian(zip::kPaddingField, bytes_);
  AppendLittleEndian(static_cast<uint16_t>(padding), bytes_);
  bytes_.append(padding, 'Z');
  bytes_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());

  directory_ += "PK\x01\x02";
  AppendLittleEndian<uint16_t>(0, directory_);  // made by
  directory_ += facts;
  directory_.append(12, '\0');  // no extra field, no comment, disk 0, no attributes
  AppendLittleEndian(static_cast<uint32_t>(offset), directory_);
  directory_ += name;
  ++members_;
}

absl::StatusOr<std::string> ZipWriter::Finish() && {
  const size_t begin = bytes_.size();
  if (too_large_ || begin > kMost - directory_.size() || members_ > kMostMembers) {
    return absl::InvalidArgumentError("zip: does not fit a plain archive");
  }
  bytes_ += directory_ + "PK\x05\x06";
  AppendLittleEndian<uint32_t>(0, bytes_);  // disks
  AppendLittleEndian(static_cast<uint16_t>(members_), bytes_);
  AppendLittleEndian(static_cast<uint16_t>(members_), bytes_);
  AppendLittleEndian(static_cast<uint32_t>(directory_.size()), bytes_);
  AppendLittleEndian(static_cast<uint32_t>(begin), bytes_);
  AppendLittleEndian<uint16_t>(0, bytes_);  // no comment
  return std::move(bytes_);
}

}  // namespace vico
