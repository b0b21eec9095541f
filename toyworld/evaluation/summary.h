// The evaluation's results: figures over all concepts with their intervals, the table of them, the
// sheet of pictures.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <opencv2/core.hpp>

#include "toyworld/evaluation/session.h"

namespace vico::toyworld {

/// What was measured of one concept: its frame, and a record for each variant that it was used for.
struct ConceptRecords {
  HeldOutConcept shown;
  Json frame;
  std::vector<std::pair<std::string, Json>> variants;  ///< by name, "default" first
};

struct VariantNote {
  std::string name, title;
  std::string lacking;  ///< why it was left out; empty: it was not
};

/// {"bare", "autoencoder", and each variant: figure -> {mean, low, high, concepts}}; a variant
/// other than the default also has "fidelity_gain", its difference to the default on the same
/// concepts.
Json Summarise(const std::vector<ConceptRecords>& all, const std::vector<VariantNote>& notes);

/// Lines of equal numbers of cells, the first is the heading.
std::vector<std::vector<std::string>> SummaryTable(const Json& summary,
                                                   const std::vector<VariantNote>& notes);

/// The table as a picture, RGB on white.
cv::Mat DrawTable(const std::vector<std::vector<std::string>>& table);

/// A row a concept: its pictures and masks, what the bare base and the default draw. Below it the
/// table. kNotFound if a picture was removed.
absl::StatusOr<cv::Mat> EvaluationSheet(const Session& session,
                                        const std::vector<ConceptRecords>& all,
                                        const std::vector<std::vector<std::string>>& table,
                                        int pictures_a_prompt);

}  // namespace vico::toyworld
