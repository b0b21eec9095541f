// The toy world's scorer: the worker's network (worker/scorer), with the words of this world.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "worker/scorer/scorer.h"

namespace vico::toyworld {

using worker::kPaintCount;
using worker::kPartCount;
using worker::kPartSide;
using worker::Part;
using enum worker::Part;
using worker::Scorer;
using worker::Scores;
using worker::ToImages01;

/// Errors: those of worker::LoadScorerFile().
absl::StatusOr<Scorer> LoadScorer(const std::string& path);
/// Writes weights as fp16, and the phrases of the world's scenes.
absl::Status SaveScorer(const Scorer& scorer, const std::string& path);

}  // namespace vico::toyworld
