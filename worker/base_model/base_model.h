// A base model on disk: a directory in diffusers layout (model_index.json, tokenizer/,
// text_encoder/, vae/, unet/, scheduler/) with an optional vico.json, or a single file with an
// optional <stem>.vico.json beside it.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/text/tokenizer.h"
#include "vico/v1/model.pb.h"
#include "worker/base_model/schedule_config.h"
#include "worker/base_model/weights.h"
#include "worker/diffusion/schedule.h"
#include "worker/model/clip_text.h"
#include "worker/model/config.h"
#include "worker/model/unet.h"
#include "worker/model/vae.h"

namespace vico::worker {

/// A checked directory or file, without its weights.
struct BaseModel {
  UNetConfig unet;
  VaeConfig vae;
  ClipTextConfig text;
  ScheduleConfig schedule;
  std::vector<UnsupportedField> unsupported;  ///< of its scheduler's file
  std::vector<std::string> warnings;          ///< settings of its files that are ignored

  std::string vocabulary;  ///< see TokenizerFiles, also below
  std::string merges;
  std::string added_tokens;
  std::string pad_token;

  WeightFiles unet_weights, vae_weights, text_weights;  ///< of a directory
  std::string single_file;                              ///< path; empty for a directory

  /// Name, sizes and defaults: vico.json's, else Stable Diffusion's. Without a name in vico.json it
  /// is that of the directory or file. `digest` is the SHA-256 of the lines "<sha256>  <path>\n"
  /// (as sha256sum prints them) of the config, tokenizer and weight files read, sorted by path;
  /// docs/adapter-format.md defines the paths of a single file.
  v1::BaseModel description;
  std::string scorer;  ///< path of the file that vico.json names; empty: none
};

/// Reads configs and tokenizer, finds and hashes the weights. kNotFound or kInvalidArgument naming
/// a file that is missing, broken or not of Stable Diffusion 1.x, with what it is if that is known.
/// `tokenizer` is the folder of a single file's tokenizer; empty: beside the file.
absl::StatusOr<BaseModel> OpenBaseModel(const std::string& path, const std::string& tokenizer = "");

absl::StatusOr<Tokenizer> MakeTokenizer(const BaseModel& model);

struct BaseNetworks {
  ClipText text{nullptr};
  Vae vae{nullptr};
  UNet unet{nullptr};
  std::vector<std::string> notes;  ///< what of the weight files is ignored, for the log
};

/// Loads the networks, on the CPU, in evaluation mode and without gradients. The stored weights may
/// have any floating-point type, also of 8 bits, and must be finite.
absl::StatusOr<BaseNetworks> LoadNetworks(const BaseModel& model,
                                          torch::ScalarType dtype = torch::kFloat32);

/// Writes a directory that OpenBaseModel() and diffusers read, with weights as `dtype`. Uses the
/// configs, tokenizer and pad token of `model`; its `description` without the digest becomes
/// vico.json, which names its `scorer` as it is.
absl::Status WriteBaseModel(const std::string& directory, const BaseModel& model,
                            const BaseNetworks& networks, torch::ScalarType dtype);

}  // namespace vico::worker
