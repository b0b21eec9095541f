// Generations through real processes: several prompts in one job, and from pictures.
#include <map>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/formats/png_text.h"
#include "tests/end_to_end/cluster.h"
#include "tests/support/status_matchers.h"

namespace vico::end_to_end {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// Keeps the pictures of a generation.
class Drawn final : public client::WatchHandler {
 public:
  absl::Status OnEvent(const v1::Event& event, const std::string* bytes) override {
    if (event.has_picture() && bytes != nullptr) {
      names[event.picture().index()] = event.picture().name();
      files[event.picture().index()] = *bytes;
    }
    if (event.has_progress()) total_steps = event.progress().total_steps();
    return absl::OkStatus();
  }

  /// The file without its texts, which hold the whole spec.
  std::string Pixels(int index) const { return StripPngText(files.at(index)).value(); }

  /// A text of the file.
  std::string Text(int index, const std::string& keyword) const {
    const auto texts = ReadPngText(files.at(index));
    if (!texts.ok()) return "";
    for (const PngText& text : *texts) {
      if (text.keyword == keyword) return text.text;
    }
    return "";
  }

  std::map<int, std::string> names, files;
  int64_t total_steps = 0;
};

class GenerationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = new Cluster();
    ready_ = cluster_->StartServer() && cluster_->StartWorker();
    if (!ready_) return;
    const auto uploaded = cluster_->NewClient()->UploadConcept(ExamplePictures(), "robot");
    ready_ = uploaded.ok();
    if (ready_) concept_ = uploaded->name();
  }
  static void TearDownTestSuite() {
    delete cluster_;
    cluster_ = nullptr;
  }
  void SetUp() override {
    ASSERT_TRUE(ready_);
    for (const uint64_t seed : {5, 9}) spec_.add_seeds(seed);
    spec_.set_steps(4);
  }

  Drawn Draw() const {
    Drawn drawn;
    const auto last = cluster_->NewClient()->Generate(spec_, drawn);
    EXPECT_TRUE(last.ok() && last->has_succeeded()) << last.status();
    return drawn;
  }

  static inline Cluster* cluster_ = nullptr;
  static inline bool ready_ = false;
  static inline std::string concept_;

  v1::GenerateSpec spec_;
};

TEST_F(GenerationTest, SeveralPromptsDrawThePicturesOfAJobForEach) {
  spec_.set_prompt("a robot");
  const Drawn robots = Draw();
  spec_.set_prompt("a mug");
  const Drawn mugs = Draw();
  spec_.clear_prompt();
  for (const char* prompt : {"a robot", "a mug"}) spec_.add_prompts(prompt);

  const Drawn both = Draw();

  ASSERT_THAT(both.files, SizeIs(4));
  EXPECT_EQ(both.total_steps, 8);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(both.Pixels(i), robots.Pixels(i));
    EXPECT_EQ(both.Pixels(2 + i), mugs.Pixels(i));
  }
  EXPECT_THAT(both.Text(3, "parameters"), StartsWith("a mug\n"));
}

TEST_F(GenerationTest, APictureStartsFromAnotherAndAMask) {
  spec_.set_prompt("a robot");
  const Drawn first = Draw();
  spec_.set_init_picture(first.names.at(0));

  const Drawn changed = Draw();
  ASSERT_THAT(changed.files, SizeIs(2));
  EXPECT_EQ(changed.total_steps, 3);  // 0.8 of 4, rounded down
  EXPECT_NE(changed.Pixels(0), first.Pixels(0));
  EXPECT_THAT(changed.Text(0, "parameters"), HasSubstr("Denoising strength: 0.8"));

  spec_.set_mask_picture(concept_ + "/pictures/0");
  const Drawn masked = Draw();
  EXPECT_NE(masked.Pixels(0), changed.Pixels(0));
  EXPECT_EQ(masked.Pixels(0), Draw().Pixels(0));
}

}  // namespace
}  // namespace vico::end_to_end
