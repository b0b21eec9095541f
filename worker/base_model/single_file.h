// A base model in one file: Stable Diffusion's first format, from CompVis' ldm, as safetensors.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/formats/safetensors.h"
#include "worker/base_model/base_files.h"
#include "worker/base_model/base_model.h"
#include "worker/io/tensors.h"

namespace vico::worker {

/// Sizes, tokenizer and path of the file at `path`; the schedule is Stable Diffusion's. The
/// tokenizer is in `tokenizer_folder`, or where that is empty in the folder "tokenizer" beside the
/// file, or right beside it. In the digest the file is called "checkpoint.safetensors" and the
/// tokenizer's files as in a directory, wherever they are.
absl::StatusOr<BaseModel> OpenSingleFile(const std::string& path,
                                         const std::string& tokenizer_folder, BaseFiles& files);

/// Tensors of the three networks under our names.
struct SingleFileTensors {
  std::vector<StoredTensor> unet, vae, text;
};

/// kInvalidArgument naming a tensor that is neither theirs nor known to be of no use here.
absl::StatusOr<SingleFileTensors> SplitSingleFile(const SafetensorsFile& file,
                                                  const BaseModel& model);

}  // namespace vico::worker
