// The boxes of a HEIF file that say where its pictures are and how they are put together. Sources:
// ISO/IEC 14496-12 (boxes), 23008-12 (items and their properties).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace vico::server {

/// Big-endian numbers from the front of a box. A read beyond the end gives 0 and clears good().
class BoxReader {
 public:
  explicit BoxReader(std::string_view bytes) : bytes_(bytes) {}

  uint64_t Number(size_t size);
  std::string_view Take(size_t size);
  /// Up to a zero, which is skipped.
  std::string_view Text();
  std::string_view Rest() { return Take(bytes_.size()); }
  bool good() const { return good_; }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

struct Box {
  std::string_view type;
  std::string_view content;
};

/// The next box, which is removed from `bytes`; an empty type at the end or when it is cut.
Box TakeBox(std::string_view& bytes);

struct HeifItem {
  std::string_view type;  ///< as "hvc1" or "grid"
  struct Extent {
    uint64_t at = 0;  ///< in the file, or in the box idat
    uint64_t size = 0;
  };
  bool in_idat = false;
  std::vector<Extent> extents;
  std::vector<uint32_t> properties;  ///< indices into HeifFile::properties, counted from 0
};

struct HeifFile {
  std::string_view bytes;
  std::string_view idat;
  uint32_t primary = 0;
  std::map<uint32_t, HeifItem> items;
  std::vector<Box> properties;
  struct Reference {
    std::string_view type;  ///< as "dimg"
    uint32_t from = 0;
    std::vector<uint32_t> to;
  };
  std::vector<Reference> references;

  /// The content of an item's first property of this type; empty if it has none.
  std::string_view Property(const HeifItem& item, std::string_view type) const;
  /// The bytes of an item that lie in one piece, else their copy in `storage`. Takes their number
  /// from `budget`: items that share bytes would multiply the file. kInvalidArgument if the file is
  /// too short, or the budget.
  absl::StatusOr<std::string_view> Data(const HeifItem& item, uint64_t& budget,
                                        std::deque<std::string>& storage) const;
};

/// kInvalidArgument for what is malformed or beyond the limits on items.
absl::StatusOr<HeifFile> ReadHeif(std::string_view bytes);

}  // namespace vico::server
