#include "client/output/picture_folder.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "client/pixels/pixels.h"
#include "common/formats/png_text.h"
#include "tests/support/temp_folder.h"

namespace vico::client {
namespace {

TEST(PictureFolderTest, FileNamesHoldTheJobThePromptAndTheSeed) {
  const auto name = [](const v1::Event& event) {
    return PictureFileName("jobs/1c9e2a3b4c5d6e7f", "a-cat", event);
  };
  v1::Event event;
  event.mutable_picture()->set_index(2);
  event.mutable_picture()->set_seed(18446744073709551615ULL);
  EXPECT_EQ(name(event), "1c9e2a3b_a-cat_18446744073709551615.png");
  event.mutable_sample()->set_step(50);
  EXPECT_EQ(name(event), "1c9e2a3b_sample_step_50.png");
  event.mutable_mask()->set_picture_index(3);
  EXPECT_EQ(name(event), "1c9e2a3b_mask_3.png");
  event.mutable_preview()->set_picture_index(1);
  event.mutable_preview()->set_step(5);
  EXPECT_EQ(name(event), "1c9e2a3b_preview_1_step_5.png");
  event.mutable_progress();
  EXPECT_EQ(name(event), "");
}

TEST(PictureFolderTest, APromptIsShortenedForItsFiles) {
  EXPECT_EQ(PromptSlug("A photo of S* on the beach"), "a-photo-of-s-on-the-beach");
  EXPECT_EQ(PromptSlug("!?"), "picture");
  EXPECT_LE(PromptSlug(std::string(1000, 'a')).size(), 40U);
}

class SavingTest : public testing::Test {
 protected:
  std::string Save(PictureFolder& folder, const std::string& bytes) {
    v1::Event event;
    event.mutable_picture()->set_seed(7);
    return Name(folder.Save("jobs/1c9e", event, bytes));
  }
  std::string SaveMask(PictureFolder& folder, const std::string& bytes) {
    v1::Event event;
    event.mutable_mask()->set_picture_index(3);
    return Name(folder.Save("jobs/1c9e", event, bytes));
  }
  static std::string Name(const absl::StatusOr<std::filesystem::path>& path) {
    EXPECT_TRUE(path.ok()) << path.status();
    return path.ok() ? path->filename().string() : "";
  }
  std::string Bytes(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(At(name), std::ios::binary).rdbuf();
    return text.str();
  }
  std::filesystem::path At(const std::string& name) const { return out_ / name; }
  std::size_t Files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(out_),
                                                  std::filesystem::directory_iterator()));
  }

  TempFolder folder_;
  std::filesystem::path out_ = std::filesystem::path(folder_.path()) / "beach";
};

TEST_F(SavingTest, ThePictureIsWritten) {
  PictureFolder folder(out_, "A cat");
  EXPECT_EQ(Save(folder, "PNG"), "1c9e_a-cat_7.png");
  EXPECT_EQ(Bytes("1c9e_a-cat_7.png"), "PNG");
}

TEST_F(SavingTest, EachPictureIsNamedAfterItsPrompt) {
  v1::GenerateSpec spec;
  for (const char* prompt : {"A cat", "A dog", "a cat!"}) spec.add_prompts(prompt);
  spec.set_picture_count(2);
  PictureFolder folder(out_, PromptsOf(spec));
  const std::vector<std::string> names = {"1c9e_a-cat_7.png",   "1c9e_a-cat_8.png",
                                          "1c9e_a-dog_7.png",   "1c9e_a-dog_8.png",
                                          "1c9e_a-cat-2_7.png", "1c9e_a-cat-2_8.png"};
  for (int i = 0; i < 6; ++i) {
    v1::Event event;
    event.mutable_picture()->set_index(i);
    event.mutable_picture()->set_seed(static_cast<std::uint64_t>(7 + i % 2));
    EXPECT_EQ(Name(folder.Save("jobs/1c9e", event, std::to_string(i))),
              names[static_cast<std::size_t>(i)]);
  }
  EXPECT_EQ(Bytes("1c9e_a-cat_7.png"), "0");
  EXPECT_EQ(Bytes("1c9e_a-cat-2_7.png"), "4");
}

TEST_F(SavingTest, PicturesOfASpecWithoutACountAreThoseOfItsSeeds) {
  v1::GenerateSpec spec;
  spec.set_prompt("A cat");
  EXPECT_EQ(PromptsOf(spec).per_prompt, 1);
  spec.add_seeds(1);
  spec.add_seeds(2);
  EXPECT_EQ(PromptsOf(spec).per_prompt, 2);
  EXPECT_EQ(PromptsOf(spec).prompts, std::vector<std::string>{"A cat"});
}

TEST_F(SavingTest, AnotherPictureOfTheSameNameStays) {
  for (const auto& [bytes, name] :
       {std::pair("first", "1c9e_a-cat_7.png"), std::pair("second", "1c9e_a-cat_7_2.png"),
        std::pair("third", "1c9e_a-cat_7_3.png")}) {
    PictureFolder folder(out_, "A cat");
    EXPECT_EQ(Save(folder, bytes), name);
  }
  EXPECT_EQ(Bytes("1c9e_a-cat_7.png"), "first");
  EXPECT_EQ(Bytes("1c9e_a-cat_7_2.png"), "second");
}

TEST_F(SavingTest, TheSamePictureIsNotWrittenAgain) {
  for (const char* bytes : {"first", "second", "first", "second"}) {
    PictureFolder folder(out_, "A cat");
    Save(folder, bytes);
  }
  EXPECT_EQ(Files(), 2U);
}

TEST_F(SavingTest, WhateverHasTheNameStays) {
  std::filesystem::create_directories(At("1c9e_a-cat_7.png"));
  std::filesystem::create_symlink("/nowhere", At("1c9e_a-cat_7_2.png"));
  PictureFolder folder(out_, "A cat");
  EXPECT_EQ(Save(folder, "PNG"), "1c9e_a-cat_7_3.png");
  EXPECT_TRUE(std::filesystem::is_symlink(At("1c9e_a-cat_7_2.png")));
}

TEST_F(SavingTest, ForceReplaces) {
  PictureFolder first(out_, "A cat");
  Save(first, "first");
  PictureFolder folder(out_, "A cat", {.existing = Existing::kReplace});
  EXPECT_EQ(Save(folder, "second"), "1c9e_a-cat_7.png");
  EXPECT_EQ(Bytes("1c9e_a-cat_7.png"), "second");
  EXPECT_EQ(Files(), 1U);
}

TEST_F(SavingTest, TheTextsOfAPictureCanBeRemoved) {
  const std::string plain = *EncodePng({1, 1, {1, 2, 3}});
  const std::vector<PngText> texts = {{"parameters", "a cat"}};
  const std::string told = *AddPngText(plain, texts);
  PictureFolder keeping(out_, "A cat");
  EXPECT_EQ(Bytes(Save(keeping, told)), told);
  PictureFolder removing(out_, "A cat", {.metadata = Metadata::kRemove});
  EXPECT_EQ(Bytes(Save(removing, told)), plain);
}

TEST_F(SavingTest, APictureWhoseTextsCannotBeRemovedIsNotSaved) {
  PictureFolder folder(out_, "A cat", {.metadata = Metadata::kRemove});
  v1::Event event;
  event.mutable_picture()->set_seed(7);
  EXPECT_TRUE(absl::IsInvalidArgument(folder.Save("jobs/1c9e", event, "text").status()));
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(SavingTest, ALaterMaskOfAJobReplacesItsEarlierOne) {
  PictureFolder folder(out_, "A cat");
  EXPECT_EQ(SaveMask(folder, "early"), "1c9e_mask_3.png");
  EXPECT_EQ(SaveMask(folder, "late"), "1c9e_mask_3.png");
  EXPECT_EQ(Bytes("1c9e_mask_3.png"), "late");
  EXPECT_EQ(Files(), 1U);
}

TEST_F(SavingTest, AMaskOfAnotherJobStays) {
  PictureFolder first(out_, "A cat");
  SaveMask(first, "theirs");
  PictureFolder folder(out_, "A cat");
  EXPECT_EQ(SaveMask(folder, "early"), "1c9e_mask_3_2.png");
  EXPECT_EQ(SaveMask(folder, "late"), "1c9e_mask_3_2.png");
  EXPECT_EQ(Bytes("1c9e_mask_3.png"), "theirs");
  EXPECT_EQ(Bytes("1c9e_mask_3_2.png"), "late");
}

TEST_F(SavingTest, AJobThatIsWatchedAgainLeavesNoCopies) {
  for (int time = 0; time < 2; ++time) {
    PictureFolder folder(out_, "A cat");
    SaveMask(folder, "early");
    EXPECT_EQ(SaveMask(folder, "late"), "1c9e_mask_3.png");
  }
  EXPECT_EQ(Files(), 1U);
}

}  // namespace
}  // namespace vico::client
