// A base model on disk: a directory in diffusers layout (model_index.json, tokenizer/,
// text_encoder/, vae/, unet/, scheduler/), and vico.json beside model_index.json for what diffusers
// has no word for; or a single file, and <its stem>.vico.json beside it.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/text/tokenizer.h"
#include "vico/v1/model.pb.h"
#include "worker/diffusion/schedule.h"
#include "worker/base_model/weights.h"
#include "worker/model/clip_text.h"
#include "worker/model/config.h"
#include "worker/model/unet.h"
#include "worker/model/vae.h"

namespace vico::worker {

/// A directory or file that has been checked, its weights not yet read.
struct BaseModel {
  UNetConfig unet;
  VaeConfig vae;
  ClipTextConfig text;
  ScheduleConfig schedule;
  std::vector<std::string> warnings;  ///< what its files ask for and will not get

  std::string vocabulary;  ///< bytes of tokenizer/vocab.json
  std::string merges;      ///< bytes of tokenizer/merges.txt
  std::string pad_token;   ///< as tokenizer_config.json or special_tokens_map.json says

  WeightFiles unet_weights, vae_weights, text_weights;  ///< of a directory
  std::string single_file;                              ///< path; empty for a directory

  /// Name, sizes and defaults: vico.json's, else Stable Diffusion's. The name comes from the
  /// directory's or file's where vico.json gives none; `digest` is the SHA-256 of the lines
  /// "<sha256>  <path>\n" (as sha256sum prints them) of the configs, tokenizer and weight files
  /// used, sorted by path; docs/adapter-format.md says what a single file's are.
  v1::BaseModel description;
};

/// Reads configs and tokenizer, finds and hashes the weights. A file that is missing, broken or
/// asks for an architecture that is not Stable Diffusion 1.x's is kNotFound or kInvalidArgument
/// naming it. `tokenizer` is a folder for a single file, which has none; empty: beside it.
absl::StatusOr<BaseModel> OpenBaseModel(const std::string& path, const std::string& tokenizer = "");

absl::StatusOr<Tokenizer> MakeTokenizer(const BaseModel& model);

struct BaseNetworks {
  ClipText text{nullptr};
  Vae vae{nullptr};
  UNet unet{nullptr};
};

/// Networks with the weights, on the CPU, in evaluation mode, no parameter requiring a gradient.
/// The weights may have any floating-point type; they are copied once, out of the mapped file.
absl::StatusOr<BaseNetworks> LoadNetworks(const BaseModel& model,
                                          torch::ScalarType dtype = torch::kFloat32);

/// Writes a directory that OpenBaseModel() and diffusers read; weights as `dtype`. Of `model` the
/// configs, tokenizer and pad token are used, and `description` (digest apart) becomes vico.json.
absl::Status WriteBaseModel(const std::string& directory, const BaseModel& model,
                            const BaseNetworks& networks, torch::ScalarType dtype);

}  // namespace vico::worker
