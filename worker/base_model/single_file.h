// A base model in one safetensors file, in the original layout of CompVis' ldm.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/formats/safetensors.h"
#include "worker/base_model/base_files.h"
#include "worker/base_model/base_model.h"
#include "worker/base_model/leftovers.h"
#include "worker/io/tensors.h"

namespace vico::worker {

/// Reads sizes and tokenizer of the file at `path`; the schedule is Stable Diffusion's. The
/// tokenizer is in `tokenizer_folder` or, if that is empty, in the folder "tokenizer" beside the
/// file or beside the file itself. In the digest the file is named "checkpoint.safetensors", and
/// the tokenizer's files are named as in a directory.
absl::StatusOr<BaseModel> OpenSingleFile(const std::string& path,
                                         const std::string& tokenizer_folder, BaseFiles& files);

/// Tensors of the three networks under our names.
struct SingleFileTensors {
  std::vector<StoredTensor> unet, vae, text;
  IgnoredTensors ignored;
};

/// kInvalidArgument naming a tensor that has the prefix of a network but is no part of it.
/// Leftovers and tensors outside the networks are ignored.
absl::StatusOr<SingleFileTensors> SplitSingleFile(const SafetensorsFile& file,
                                                  const BaseModel& model);

}  // namespace vico::worker
