// Recognises files and folders that are no base model, such as a LoRA, a web page or a Git LFS
// pointer, so that the error says what they are and what to do. The one table of tensor names.
#pragma once

#include <string>

#include <absl/status/status.h>

#include "common/formats/safetensors.h"

namespace vico::worker {

/// Looks at the first bytes of a file that should be a safetensors file. OK if it may be one; else
/// kInvalidArgument with the path, what it is and what to do. `pickles`: archives of torch.save are
/// fine, too.
enum class Pickles { kRefused, kAllowed };
absl::Status RefuseOtherFile(const std::string& path, Pickles pickles = Pickles::kRefused);

/// kNotFound for a folder without model_index.json, with what it is.
absl::Status RefuseOtherFolder(const std::string& path);

/// Looks at a single file's tensors. OK for a checkpoint of Stable Diffusion 1.x, complete or not.
absl::Status RefuseForeignCheckpoint(const SafetensorsFile& file);

/// What the number of a U-Net's input channels says, if it is not 4.
std::string_view WhatInputsMean(int64_t in_channels);

/// kInvalidArgument: "source: found is what; supported is …".
absl::Status Foreign(std::string_view source, std::string_view found, std::string_view what);

}  // namespace vico::worker
