// Contact sheets: labelled rows of pictures on white.
#pragma once

#include <string>
#include <vector>

#include <opencv2/core.hpp>

namespace vico::worker {

struct SheetRow {
  std::string label;  ///< above the row; may be empty
  std::vector<cv::Mat>
      pictures;  ///< [h, w, 3] or [h, w] uint8, RGB or grey; an empty one leaves a gap
};

struct SheetOptions {
  std::string title;
  std::vector<std::string> columns;  ///< headings from the left; there may be fewer than columns.
                                     ///< Each may extend over columns without one
  int tile = 128;                    ///< side of a picture on the sheet, pixels
  int gap = 6;
  int split_after = 0;  ///< a wider gap after this many columns; 0: none
};

/// [H, W, 3] uint8, RGB. Pictures are scaled to the tile: nearest by whole factors, else cubic or
/// by area.
cv::Mat ContactSheet(const std::vector<SheetRow>& rows, const SheetOptions& options = {});

/// A plain grid without labels.
cv::Mat ContactSheet(const std::vector<cv::Mat>& pictures, int columns,
                     const SheetOptions& options = {});

}  // namespace vico::worker
