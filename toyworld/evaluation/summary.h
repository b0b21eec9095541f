// The evaluation's results: figures over all concepts with confidence intervals, a table of them
// and a sheet of pictures.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <opencv2/core.hpp>

#include "toyworld/evaluation/session.h"

namespace vico::toyworld {

/// The measurements of one concept: its frame, and a record for each variant.
struct ConceptRecords {
  HeldOutConcept shown;
  Json frame;
  std::vector<std::pair<std::string, Json>> variants;  ///< by name, "default" first
};

struct VariantNote {
  std::string name, title;
  std::string lacking;  ///< why it was left out; empty if it was not
};

/// {"bare", "autoencoder", and each variant: figure -> {mean, low, high, concepts}}; a variant
/// other than the default also has "fidelity_gain", its difference to the default on the same
/// concepts.
Json Summarise(const std::vector<ConceptRecords>& all, const std::vector<VariantNote>& notes);

/// Rows with equal numbers of cells; the first is the heading.
std::vector<std::vector<std::string>> SummaryTable(const Json& summary,
                                                   const std::vector<VariantNote>& notes);

/// Draws the table, RGB on white.
cv::Mat DrawTable(const std::vector<std::vector<std::string>>& table);

/// A sheet with a row for each concept: its pictures and masks, and pictures of the bare base and
/// of the default variant. The table is below. kNotFound if a picture file is missing.
absl::StatusOr<cv::Mat> EvaluationSheet(const Session& session,
                                        const std::vector<ConceptRecords>& all,
                                        const std::vector<std::vector<std::string>>& table,
                                        int pictures_a_prompt);

}  // namespace vico::toyworld
