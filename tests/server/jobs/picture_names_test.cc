#include "server/jobs/picture_names.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

const std::string kId = "0123456789abcdef0123456789abcdef";

TEST(PictureNamesTest, NamesAreParsed) {
  const auto mask = ParsePictureName("jobs/" + kId + "/masks/150/3");
  ASSERT_THAT(mask, IsOk());
  EXPECT_EQ(mask->kind, PictureKind::kMask);
  EXPECT_EQ(mask->owner, "jobs/" + kId);
  EXPECT_EQ(mask->step, 150);
  EXPECT_EQ(mask->index, 3);
  EXPECT_EQ(PictureInJob(*mask), "masks/150/3");
  EXPECT_EQ(ParsePictureName("concepts/" + kId + "/pictures/19")->index, 19);
  EXPECT_EQ(ParsePictureName("adapters/" + kId + "/reference")->kind, PictureKind::kReference);
  EXPECT_EQ(ParsePictureName("adapters/" + kId + "/report")->kind, PictureKind::kReport);
  EXPECT_EQ(ParsePictureName("pictures/" + kId)->kind, PictureKind::kUploaded);
  EXPECT_EQ(ParsePictureName("pictures/" + kId)->owner, "pictures/" + kId);
  EXPECT_EQ(PictureInJob(*ParsePictureName("jobs/" + kId + "/samples/0")), "samples/0/0");
  EXPECT_EQ(PictureInJob(*ParsePictureName("jobs/" + kId + "/samples/7/2")), "samples/7/2");
  EXPECT_EQ(PictureInJob(*ParsePictureName("jobs/" + kId + "/previews/4")), "previews/4");
}

TEST(PictureNamesTest, OtherTextsAreRefused) {
  const std::vector<std::string> names{"",
                                       "jobs",
                                       "jobs/" + kId,
                                       "jobs/" + kId + "/pictures",
                                       "jobs/" + kId + "/pictures/",
                                       "jobs/" + kId + "/pictures/01",
                                       "jobs/" + kId + "/pictures/-1",
                                       "jobs/" + kId + "/pictures/+1",
                                       "jobs/" + kId + "/pictures/1/2",
                                       "jobs/" + kId + "/masks/1",
                                       "jobs/" + kId + "/masks/1/2/3",
                                       "jobs/" + kId + "/samples/1/2/3",
                                       "jobs/x/pictures/1",
                                       "jobs/" + kId + "/pictures/99999999999",
                                       "concepts/" + kId + "/samples/1",
                                       "adapters/" + kId + "/reference/1",
                                       "adapters/" + kId + "/pictures/0",
                                       "adapters/" + kId + "/report/1",
                                       "jobs/" + kId + "/report",
                                       "jobs/" + kId + "/reference",
                                       "jobs//pictures/1",
                                       "concepts/" + kId,
                                       "pictures",
                                       "pictures/",
                                       "pictures/1",
                                       "pictures/" + kId + "/0",
                                       "pictures/" + kId + "/pictures/0",
                                       "../jobs/" + kId + "/pictures/1"};
  for (const std::string& name : names) {
    EXPECT_THAT(ParsePictureName(name), NamesField("name")) << name;
  }
}

TEST(PictureNamesTest, EachPictureOfAnEventGetsANameThatFindsIt) {
  v1::Event sample;
  sample.mutable_sample()->set_step(50);
  NamePictures("jobs/" + kId, sample);
  EXPECT_EQ(sample.sample().picture().name(), "jobs/" + kId + "/samples/50");
  sample.mutable_sample()->mutable_picture()->set_index(2);
  NamePictures("jobs/" + kId, sample);
  v1::Event mask;
  mask.mutable_mask()->set_picture_index(1);
  NamePictures("jobs/" + kId, mask);
  v1::Event preview;
  preview.mutable_preview()->set_picture_index(1);
  NamePictures("jobs/" + kId, preview);
  for (const auto& [name, event] :
       {std::pair{sample.sample().picture().name(), sample}, std::pair{mask.mask().name(), mask},
        std::pair{preview.preview().name(), preview}}) {
    const auto parsed = ParsePictureName(name);
    ASSERT_THAT(parsed, IsOk()) << name;
    EXPECT_EQ(PictureInJob(*parsed), PictureInJob(event));
  }
  v1::Event progress;
  progress.mutable_progress();
  EXPECT_EQ(PictureInJob(progress), "");
}

}  // namespace
}  // namespace vico::server
