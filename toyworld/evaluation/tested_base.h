// Trains and draws with a base model through the worker's engine, as the service does.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <opencv2/core.hpp>

#include "toyworld/evaluation/held_out.h"
#include "toyworld/evaluation/variants.h"
#include "worker/engine/engine.h"
#include "worker/model/torch.h"

namespace vico::toyworld {

struct Learned {
  v1::Adapter adapter;
  worker::AdapterBytes bytes;
  /// Grey masks, one for each concept picture: for each site, the finest last. None if only the
  /// word was learned.
  std::vector<std::vector<cv::Mat>> masks;
  double seconds = 0;  ///< duration of the training
};

class TestedBase {
 public:
  /// kNotFound or kInvalidArgument if the directory is not a base model.
  static absl::StatusOr<std::unique_ptr<TestedBase>> Open(const std::string& directory, int threads,
                                                          const std::string& device);

  const std::string& digest() const { return offer_.base_model.digest(); }
  const std::string& name() const { return offer_.base_model.display_name(); }

  /// Trains with the base's defaults, the variant's change and `steps` steps (0: the default).
  v1::TrainSpec Spec(const Variant& variant, const HeldOutConcept& shown, int steps) const;

  absl::StatusOr<Learned> Train(const Variant& variant, const HeldOutConcept& shown, int steps);

  /// Draws one picture for each seed, [64, 64, 3] RGB, with the base's defaults; without `learned`
  /// with the bare base.
  absl::StatusOr<std::vector<cv::Mat>> Draw(const std::string& prompt,
                                            const std::vector<uint64_t>& seeds,
                                            const Learned* learned);

  /// Encodes and decodes pictures of any size, [h, w, 3] RGB, with the base's autoencoder.
  absl::StatusOr<std::vector<cv::Mat>> ThroughAutoencoder(const std::vector<cv::Mat>& pictures);

 private:
  TestedBase() = default;
  absl::StatusOr<std::string> TrainEmbedding(const v1::TrainSpec& spec,
                                             const std::vector<std::string>& pictures);
  absl::StatusOr<std::vector<std::vector<cv::Mat>>> Masks(const v1::TrainSpec& spec,
                                                          const std::vector<std::string>& pictures,
                                                          const std::string& adapter);

  std::string directory_;
  int threads_ = 1;
  torch::Device device_ = torch::kCPU;
  std::unique_ptr<worker::Engine> engine_;
  worker::BaseModelOffer offer_;
};

}  // namespace vico::toyworld
