// Contact sheets: rows of pictures on white, with a label above each row and a heading above each
// column.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/pixels/pixels.h"

namespace vico::client {

struct SheetRow {
  std::string label;
  std::vector<std::optional<Pixels>> pictures;  ///< nullopt leaves a gap
};

/// Columns that belong together, with a wider gap before them.
struct SheetGroup {
  std::string heading;               ///< above its first column; may be empty
  std::vector<std::string> columns;  ///< headings
};

struct Sheet {
  std::string title;
  std::vector<SheetGroup> groups;
  std::vector<SheetRow> rows;  ///< each with a picture for each column of the groups
};

/// `tile` is the longer side of a picture on the sheet, in pixels. A smaller picture grows by a
/// whole factor, so that its pixels stay sharp. Labels are in ASCII (client/sheet/ascii.h); a long
/// one is wrapped, and cut after four lines.
Pixels DrawSheet(const Sheet& sheet, int tile);

/// Whether the font has all characters of the sheet's texts.
bool HasAllCharacters(const Sheet& sheet);

}  // namespace vico::client
