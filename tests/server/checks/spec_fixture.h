// A training and a generation that are valid, with what they name.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "server/checks/request.h"
#include "tests/server/base_model_fixture.h"
#include "tests/support/status_matchers.h"

namespace vico::server {

inline const std::string kAdapterName = "adapters/" + std::string(32, 'a');
inline const std::string kConceptName = "concepts/" + std::string(32, 'c');

class RequestTest : public testing::Test {
 protected:
  RequestTest() {
    concept_.set_name(kConceptName);
    train_.set_concept_name(kConceptName);
    train_.set_init_word("dog");
    generate_.set_prompt("a photo of S* on the beach");
    adapter_.set_name(kAdapterName);
    adapter_.set_base_model(base_.name());
    adapter_.set_base_model_digest(base_.digest());
    adapter_.set_placeholder("S*");
  }

  absl::StatusOr<CheckedSpec> Train() {
    return CheckTrainSpec(train_, concept_, {base_, tokenizer_, draw_seed_});
  }
  absl::StatusOr<CheckedSpec> Generate() {
    return CheckGenerateSpec(generate_, use_adapter_ ? &adapter_ : nullptr,
                             {base_, tokenizer_, draw_seed_});
  }

  static std::vector<std::string> Reasons(const absl::StatusOr<CheckedSpec>& checked) {
    std::vector<std::string> reasons;
    for (const auto& warning : checked->warnings) reasons.push_back(warning.reason());
    return reasons;
  }

  v1::BaseModel base_ = TestBaseModel();
  const Tokenizer tokenizer_ = TestTokenizer();
  const std::function<uint64_t()> draw_seed_ = [] { return ~uint64_t{0}; };
  v1::Concept concept_;
  v1::Adapter adapter_;
  bool use_adapter_ = true;
  v1::TrainSpec train_;
  v1::GenerateSpec generate_;
};

}  // namespace vico::server
