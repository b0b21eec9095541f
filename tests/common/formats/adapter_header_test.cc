#include "common/formats/adapter_header.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico {
namespace {

using testing::HasSubstr;

AdapterHeader Example() {
  AdapterHeader header;
  header.base_model_digest = std::string(64, 'a');
  header.init_word = "robot";
  header.sites = {"up_blocks.1.attentions.1", "mid_block.attentions.0"};
  header.steps = 400;
  header.seed = ~uint64_t{0};
  header.reference_sha256 = std::string(64, 'b');
  return header;
}

TEST(AdapterHeaderTest, MetadataRoundTrips) {
  const auto read = ReadAdapterHeader(AdapterMetadata(Example()));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->dialect, "paper");
  EXPECT_EQ(read->placeholder, "S*");
  EXPECT_EQ(read->init_word, "robot");
  EXPECT_EQ(read->sites, Example().sites);
  EXPECT_EQ(read->steps, 400);
  EXPECT_EQ(read->seed, ~uint64_t{0});
  EXPECT_EQ(read->reference_sha256, Example().reference_sha256);
}

TEST(AdapterHeaderTest, AnImportedAdapterHasNoRecordOfItsTraining) {
  AdapterHeader header = Example();
  header.imported_from = "mmagic";
  const auto metadata = AdapterMetadata(header);
  EXPECT_EQ(metadata.at("imported_from"), "mmagic");
  EXPECT_FALSE(metadata.contains("steps"));
  EXPECT_FALSE(metadata.contains("seed"));
}

TEST(AdapterHeaderTest, UnknownKeysAreIgnored) {
  auto metadata = AdapterMetadata(Example());
  metadata["comment"] = "mine";
  EXPECT_THAT(ReadAdapterHeader(metadata), IsOk());
}

TEST(AdapterHeaderTest, InvalidValuesAreRefusedWithTheirKey) {
  for (const auto& [key, value] : {std::pair{"format", "lora"},
                                   {"format_version", "2"},
                                   {"dialect", "latin"},
                                   {"base_model_digest", "AA"},
                                   {"placeholder", "two words"},
                                   {"sites", "[]"},
                                   {"sites", "not json"},
                                   {"sites", R"(["a","a"])"},
                                   {"sites", R"([1])"},
                                   {"steps", "1e3"},
                                   {"reference_sha256", "x"}}) {
    auto metadata = AdapterMetadata(Example());
    metadata[key] = value;
    const auto read = ReadAdapterHeader(metadata);
    EXPECT_THAT(read, HasCode(absl::StatusCode::kInvalidArgument)) << key;
    EXPECT_THAT(read, HasMessage(HasSubstr(key))) << value;
  }
}

}  // namespace
}  // namespace vico
