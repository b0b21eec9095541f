// Scans HEIC and AVIF: finds the coded tiles of the main picture and what belongs to it.
#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include "common/status.h"
#include "server/pictures/decoder/tiles.h"
#include "server/pictures/scan/heif_boxes.h"
#include "server/pictures/scan/picture_scan.h"

namespace vico::server {
namespace {

/// The orientation after a quarter turn against the clock.
int Turned(int orientation) {
  constexpr int kNext[] = {0, 8, 5, 6, 7, 4, 1, 2, 3};
  return kNext[orientation];
}

/// The orientation after a mirror image: left and right change places, or top and bottom.
int Mirrored(int orientation, bool left_right) {
  constexpr int kLeftRight[] = {0, 2, 1, 4, 3, 6, 5, 8, 7};
  constexpr int kTopBottom[] = {0, 4, 3, 2, 1, 8, 7, 6, 5};
  return left_right ? kLeftRight[orientation] : kTopBottom[orientation];
}

class HeifScanner {
 public:
  HeifScanner(HeifFile file, const PictureLimits& limits)
      : file_(std::move(file)), limits_(limits) {}

  absl::StatusOr<ScannedPicture> Scan();

 private:
  absl::Status ReadLayer(const HeifItem& item, TileLayer& layer);
  absl::Status ReadGrid(const HeifItem& item, uint32_t id, TileLayer& layer);
  absl::Status AddTile(const HeifItem& tile, TileLayer& layer);
  absl::Status ReadSize(const HeifItem& item);
  void ReadTurns(const HeifItem& item);
  void ReadColour(const HeifItem& item);
  const HeifItem* FindAlpha() const;
  bool IsPremultiplied() const;
  uint32_t IdOf(const HeifItem& item) const;

  const HeifFile file_;
  const PictureLimits& limits_;
  ScannedPicture picture_;
  TiledPicture tiled_;
  bool has_codec_ = false;
  bool has_grid_ = false;
  uint64_t budget_ = file_.bytes.size();
  std::deque<std::string> storage_;
};

absl::StatusOr<ScannedPicture> HeifScanner::Scan() {
  const HeifItem& primary = file_.items.at(file_.primary);
  picture_.format = PictureFormat::kHeic;
  const HeifItem* const alpha = FindAlpha();
  picture_.channels = alpha != nullptr ? 4 : 3;
  RETURN_IF_ERROR(ReadSize(primary));
  RETURN_IF_ERROR(ReadLayer(primary, tiled_.colour));
  if (alpha != nullptr) RETURN_IF_ERROR(ReadLayer(*alpha, tiled_.alpha));
  if (alpha != nullptr && tiled_.alpha.tiles.size() != tiled_.colour.tiles.size()) {
    return absl::InvalidArgumentError("has an alpha channel in other tiles than its colours");
  }
  tiled_.premultiplied = IsPremultiplied() ? 1 : 0;
  ReadTurns(primary);
  ReadColour(primary);
  const std::string_view brand = file_.bytes.substr(8, 4);
  if (brand == "avis" || brand == "msf1" || brand == "hevc") {
    picture_.warnings.push_back(
        {kPictureAnimated, "is a sequence of pictures, of which the main one is used"});
  }
  picture_.stripped = ToBytes(tiled_);
  return std::move(picture_);
}

absl::Status HeifScanner::ReadSize(const HeifItem& item) {
  BoxReader size(file_.Property(item, "ispe"));
  size.Take(4);
  picture_.width = static_cast<uint32_t>(size.Number(4));
  picture_.height = static_cast<uint32_t>(size.Number(4));
  if (!size.good()) return absl::InvalidArgumentError("is a HEIC or AVIF that gives no size");
  if (item.type == "av01") picture_.format = PictureFormat::kAvif;
  return CheckSize(picture_, limits_);
}

absl::Status HeifScanner::ReadLayer(const HeifItem& item, TileLayer& layer) {
  if (item.type == "grid") return ReadGrid(item, IdOf(item), layer);
  return AddTile(item, layer);
}

absl::Status HeifScanner::ReadGrid(const HeifItem& item, uint32_t id, TileLayer& layer) {
  ASSIGN_OR_RETURN(const std::string_view data, file_.Data(item, budget_, storage_));
  BoxReader grid(data);
  grid.Number(1);
  const size_t number_size = (grid.Number(1) & 1) != 0 ? 4 : 2;
  const auto rows = static_cast<uint32_t>(grid.Number(1) + 1);
  const auto columns = static_cast<uint32_t>(grid.Number(1) + 1);
  const uint64_t width = grid.Number(number_size), height = grid.Number(number_size);
  if (!grid.good() || width != picture_.width || height != picture_.height ||
      (has_grid_ && (rows != tiled_.rows || columns != tiled_.columns))) {
    return absl::InvalidArgumentError("is not a valid HEIC or AVIF: bad grid");
  }
  has_grid_ = true;
  tiled_.rows = rows;
  tiled_.columns = columns;
  for (const HeifFile::Reference& reference : file_.references) {
    if (reference.type != "dimg" || reference.from != id) continue;
    if (reference.to.size() != size_t{rows} * columns || reference.to.size() > kMaxTiles) break;
    for (const uint32_t tile : reference.to) {
      const auto found = file_.items.find(tile);
      if (found == file_.items.end()) break;
      RETURN_IF_ERROR(AddTile(found->second, layer));
    }
    break;
  }
  if (layer.tiles.size() != size_t{rows} * columns) {
    return absl::InvalidArgumentError("is not a valid HEIC or AVIF: its grid lacks tiles");
  }
  return absl::OkStatus();
}

absl::Status HeifScanner::AddTile(const HeifItem& tile, TileLayer& layer) {
  const bool hevc = tile.type == "hvc1";
  if (!hevc && tile.type != "av01") {
    return absl::InvalidArgumentError(
        "is a HEIF picture coded in another way than HEVC and AV1; save it as JPEG or PNG");
  }
  const TileCodec codec = hevc ? TileCodec::kHevc : TileCodec::kAv1;
  const std::string_view config = file_.Property(tile, hevc ? "hvcC" : "av1C");
  if (config.empty() || (has_codec_ && codec != tiled_.codec) ||
      (!layer.tiles.empty() && config != layer.config)) {
    return absl::InvalidArgumentError("is not a valid HEIC or AVIF: its tiles differ");
  }
  has_codec_ = true;
  tiled_.codec = codec;
  layer.config = config;
  if (codec == TileCodec::kAv1) picture_.format = PictureFormat::kAvif;
  ASSIGN_OR_RETURN(const std::string_view data, file_.Data(tile, budget_, storage_));
  RETURN_IF_ERROR(CheckWritten(data, tile.extents.back().at + tile.extents.back().size));
  layer.tiles.push_back(data);
  return absl::OkStatus();
}

void HeifScanner::ReadTurns(const HeifItem& item) {
  for (const uint32_t index : item.properties) {
    if (index >= file_.properties.size()) continue;
    const Box& property = file_.properties[index];
    if (property.content.empty()) continue;
    if (property.type == "irot") {
      for (int turns = property.content[0] & 3; turns > 0; --turns) {
        picture_.orientation = Turned(picture_.orientation);
      }
    } else if (property.type == "imir") {
      picture_.orientation = Mirrored(picture_.orientation, (property.content[0] & 1) != 0);
    }
  }
}

void HeifScanner::ReadColour(const HeifItem& item) {
  std::string code;
  for (const uint32_t index : item.properties) {
    if (index >= file_.properties.size() || file_.properties[index].type != "colr") continue;
    BoxReader reader(file_.properties[index].content);
    const std::string_view type = reader.Take(4);
    if (type == "prof" || type == "rICC") {
      picture_.colour = ColourKind::kIcc;
      picture_.colour_data = reader.Rest();
    } else if (type == "nclx") {
      uint64_t primaries = reader.Number(2), transfer = reader.Number(2);
      const uint64_t matrix = reader.Number(2), range = reader.Number(1) >> 7;
      if (!reader.good()) continue;
      tiled_.matrix = static_cast<uint32_t>(matrix);
      tiled_.full_range = static_cast<uint32_t>(range);
      // Programs write the curve of videos, or none, for pictures that they show as sRGB.
      if (transfer == 1 || transfer == 2 || transfer == 6) transfer = 13;
      if (primaries == 2) primaries = 1;
      code = {static_cast<char>(primaries), static_cast<char>(transfer), 0, 1};
    }
  }
  if (picture_.colour == ColourKind::kIcc) {
    if (picture_.colour_data.size() <= kMaxProfileBytes) return;
    picture_.colour = ColourKind::kSrgb;
    picture_.colour_data.clear();
    picture_.warnings.push_back(UnusableProfile("it is too large"));
  } else if (!code.empty()) {
    picture_.colour = ColourKind::kCicp;
    picture_.colour_data = code;
  }
}

/// The alpha channel of the main picture; null if it has none.
const HeifItem* HeifScanner::FindAlpha() const {
  for (const HeifFile::Reference& reference : file_.references) {
    if (reference.type != "auxl" || reference.to.empty() || reference.to[0] != file_.primary) {
      continue;
    }
    const auto found = file_.items.find(reference.from);
    if (found == file_.items.end()) continue;
    BoxReader kind(file_.Property(found->second, "auxC"));
    kind.Take(4);
    const std::string_view name = kind.Text();
    if (name == "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha" ||
        name == "urn:mpeg:hevc:2015:auxid:1") {
      return &found->second;
    }
  }
  return nullptr;
}

bool HeifScanner::IsPremultiplied() const {
  return std::any_of(file_.references.begin(), file_.references.end(),
                     [&](const HeifFile::Reference& reference) {
                       return reference.type == "prem" && reference.from == file_.primary;
                     });
}

uint32_t HeifScanner::IdOf(const HeifItem& item) const {
  for (const auto& [id, one] : file_.items) {
    if (&one == &item) return id;
  }
  return 0;
}

}  // namespace

absl::StatusOr<ScannedPicture> ScanHeif(std::string_view bytes, const PictureLimits& limits) {
  ASSIGN_OR_RETURN(HeifFile file, ReadHeif(bytes));
  return HeifScanner(std::move(file), limits).Scan();
}

}  // namespace vico::server
