// A network that measures pictures: do they show the concept, and what their prompts say?
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/io/image.h"

namespace vico::worker {

/// What is measured. M pictures.
struct JudgedPictures {
  std::vector<Pixels> real;          ///< of the concept, 1 or more
  std::vector<Pixels> generated;     ///< M, 1 or more
  std::vector<std::string> prompts;  ///< M, what each was drawn for, without the learned word
};

/// A figure of each picture. Higher is better.
struct PictureFigure {
  std::string name;                           ///< as in AdapterReport.Figure
  std::vector<std::optional<double>> values;  ///< M; nothing where it says nothing of the picture
};

/// The figure "nearest_picture", which each judge gives.
inline constexpr char kNearestPicture[] = "nearest_picture";

class Judge {
 public:
  virtual ~Judge() = default;

  /// The network, as in AdapterReport.Figure.measured_with.
  virtual std::string name() const = 0;

  /// `keep_going` is asked before each picture; false stops with kCancelled. kInvalidArgument for a
  /// picture that cannot be prepared. Throws c10::Error.
  virtual absl::StatusOr<std::vector<PictureFigure>> Measure(
      const JudgedPictures& pictures, const std::function<bool()>& keep_going) = 0;
};

/// CLIP from a directory that ClipTower::Load() reads, with its errors: clip_i and clip_t.
absl::StatusOr<std::unique_ptr<Judge>> OpenClipJudge(const std::string& directory);

/// DINO from a directory that DinoTower::Load() reads, with its errors: dino.
absl::StatusOr<std::unique_ptr<Judge>> OpenDinoJudge(const std::string& directory);

/// The toy world's scorer from a file that LoadScorerFile() reads, with its errors:
/// concept_fidelity and prompt_fidelity, the latter for prompts that name a scene.
absl::StatusOr<std::unique_ptr<Judge>> OpenScorerJudge(const std::string& path);

}  // namespace vico::worker
