// Compares the training prompts with the authors' list; recorded by record_vico.py.
#include "worker/train/templates.h"

#include <set>

#include <gtest/gtest.h>

#include "common/crypto/sha256.h"
#include "common/formats/safetensors.h"

namespace vico {

using worker::TrainingTemplates;

namespace {

TEST(TemplatesGolden, ListIsTheAuthors) {
  const auto facts = SafetensorsFile::Open("tests/golden/io/vico.safetensors")->metadata();
  const auto& templates = TrainingTemplates();
  EXPECT_EQ(std::to_string(templates.size()), facts.at("templates"));
  EXPECT_EQ(std::to_string(std::set(templates.begin(), templates.end()).size()),
            facts.at("distinct_templates"));
  std::string joined;
  for (const auto& line : templates) joined += (joined.empty() ? "" : "\n") + line;
  EXPECT_EQ(Sha256Hex(joined), facts.at("templates_sha256"));
}

}  // namespace
}  // namespace vico
