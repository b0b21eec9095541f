#include "server/services/model_service.h"

#include <gmock/gmock.h>

#include "common/schedulers.h"
#include "tests/server/services/job_service_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;

TEST_F(JobServiceTest, ABaseModelIsReturnedAndItsWordsAreChecked) {
  Call get;
  v1::GetBaseModelRequest request;
  request.set_name(kTestBase);
  v1::BaseModel found;
  ASSERT_THAT(FromGrpc(models_->GetBaseModel(&get, request, &found)), IsOk());
  EXPECT_EQ(found.digest(), TestBaseModel().digest());
  EXPECT_TRUE(found.available());

  Call check;
  v1::CheckWordRequest word;
  word.set_word("dogg");
  v1::CheckWordResponse answer;
  ASSERT_THAT(FromGrpc(models_->CheckWord(&check, word, &answer)), IsOk());
  EXPECT_FALSE(answer.one_token());
  EXPECT_THAT(answer.near_words(), testing::Contains("dog"));
  Call empty;
  EXPECT_THAT(FromGrpc(models_->CheckWord(&empty, {}, &answer)), NamesField("word"));
}

TEST_F(JobServiceTest, CapabilitiesHoldTheLimits) {
  Call call;
  v1::Capabilities capabilities;
  ASSERT_THAT(FromGrpc(models_->GetCapabilities(&call, {}, &capabilities)), IsOk());
  EXPECT_EQ(capabilities.version(), "test");
  EXPECT_THAT(capabilities.schedulers(), testing::ElementsAreArray(kSchedulerNames));
  EXPECT_THAT(capabilities.dialects(), ElementsAre(v1::DIALECT_PAPER, v1::DIALECT_MMAGIC));
  EXPECT_EQ(capabilities.limits().at("train.steps").max(), 5000);
  EXPECT_THAT(capabilities.picture_formats(),
              ElementsAre("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif"));
  EXPECT_EQ(capabilities.limits().at("pictures.pixels").max(), 25'000'000);
  EXPECT_EQ(capabilities.limits().at("pictures.jpeg_pixels").max(), 200'000'000);
}

TEST_F(JobServiceTest, OfferedBaseModelsAreListed) {
  Call call;
  v1::ListBaseModelsResponse response;
  ASSERT_THAT(FromGrpc(models_->ListBaseModels(&call, {}, &response)), IsOk());
  ASSERT_EQ(response.base_models_size(), 1);
  EXPECT_EQ(response.base_models(0).name(), kTestBase);
  EXPECT_TRUE(response.base_models(0).available());
}

}  // namespace
}  // namespace vico::server
