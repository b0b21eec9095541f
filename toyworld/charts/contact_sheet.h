// Contact sheets, drawn by worker/sheet, and PNG files of pictures.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <opencv2/core.hpp>

#include "worker/sheet/contact_sheet.h"

namespace vico::toyworld {

using worker::ContactSheet;
using worker::SheetOptions;
using worker::SheetRow;

/// Writes a PNG, whatever the name. `picture` is RGB or grey, uint8.
absl::Status WritePicture(const std::string& path, const cv::Mat& picture);

}  // namespace vico::toyworld
