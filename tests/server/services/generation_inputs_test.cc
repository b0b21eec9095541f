// Generations that start from pictures, have several prompts or use another base model; and the
// display names and labels of new jobs.
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/server/services/job_service_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class GenerationInputsTest : public JobServiceTest {
 protected:
  static v1::CreateGenerationJobRequest GenerationFrom(const std::string& init,
                                                       const std::string& mask = "") {
    v1::CreateGenerationJobRequest request = GenerationOf();
    request.mutable_generate()->set_init_picture(init);
    request.mutable_generate()->set_mask_picture(mask);
    return request;
  }

  absl::Status DeleteConcept(const v1::Concept& uploaded) {
    Call call;
    v1::DeleteConceptRequest request;
    request.set_name(uploaded.name());
    google::protobuf::Empty response;
    return FromGrpc(concepts_->DeleteConcept(&call, request, &response));
  }

  /// Trains with a concept of its own. Returns the name of the adapter.
  std::string TrainedAdapter() {
    EXPECT_THAT(Create(TrainingOf(UploadedConcept())), IsOk());
    const v1::LeasedJob leased = Leased();
    v1::FinishRequest finish;
    const auto file = Put("pretend this is safetensors", "application/vnd.safetensors", leased);
    EXPECT_THAT(file, IsOk());
    *finish.mutable_trained()->mutable_adapter() = *file;
    *finish.mutable_trained()->mutable_reference() = leased.pictures(0).blob();
    const auto finished = Finish(finish, leased);
    EXPECT_THAT(finished, IsOk());
    return finished.ok() ? finished->adapter() : "";
  }

  /// A second worker's base model, whose networks have the sizes of the first's or others.
  absl::Status RegisterOther(const std::string& shape_digest) {
    Call call;
    v1::RegisterRequest request;
    request.set_worker("worker-b");
    request.set_device("cpu");
    *request.add_base_models() = TestOffer("baseModels/other");
    request.mutable_base_models(0)->mutable_base_model()->set_shape_digest(shape_digest);
    v1::RegisterResponse response;
    return FromGrpc(workers_->Register(&call, request, &response));
  }
};

TEST_F(GenerationInputsTest, AWorkerGetsThePicturesOfItsJob) {
  const v1::Concept uploaded = UploadedConcept();
  const std::string init = uploaded.name() + "/pictures/0";
  const auto job = Create(GenerationFrom(init, uploaded.name() + "/pictures/1"));
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->spec().generate().init_picture(), init);
  EXPECT_DOUBLE_EQ(job->spec().generate().denoise(), 0.8);
  const v1::LeasedJob leased = Leased();
  EXPECT_EQ(leased.init_picture().sha256(), uploaded.pictures(0).blob().sha256());
  EXPECT_EQ(leased.init_picture().size_bytes(), uploaded.pictures(0).blob().size_bytes());
  EXPECT_EQ(leased.mask_picture().sha256(), uploaded.pictures(1).blob().sha256());
  const auto png = Get(leased.init_picture().sha256(), leased.job(), leased.lease_id());
  ASSERT_THAT(png, IsOk());
  EXPECT_EQ(Sha256Hex(*png), leased.init_picture().sha256());
}

TEST_F(GenerationInputsTest, AGenerationStartsFromPicturesOfJobsAndAdapters) {
  ASSERT_THAT(Create(GenerationOf()), IsOk());
  const v1::LeasedJob drawn = Leased();
  const std::string png = DrawAndFinish(drawn);
  const std::string adapter = TrainedAdapter();
  ASSERT_THAT(Create(GenerationFrom(drawn.job() + "/pictures/0", adapter + "/reference")), IsOk());
  const v1::LeasedJob leased = Leased();
  EXPECT_EQ(leased.init_picture().sha256(), Sha256Hex(png));
  EXPECT_NE(leased.mask_picture().sha256(), "");
}

TEST_F(GenerationInputsTest, AJobAndItsRetryOutliveTheSourceOfThePicture) {
  const v1::Concept uploaded = UploadedConcept();
  const auto job = Create(GenerationFrom(uploaded.name() + "/pictures/0"));
  ASSERT_THAT(job, IsOk());
  ASSERT_THAT(DeleteConcept(uploaded), IsOk());
  const v1::LeasedJob leased = Leased();
  EXPECT_THAT(Get(leased.init_picture().sha256(), leased.job(), leased.lease_id()), IsOk());
  v1::FinishRequest finish;
  finish.mutable_failure()->mutable_status()->set_code(3);
  ASSERT_THAT(Finish(finish, leased), IsOk());
  ASSERT_THAT(Retry(job->name()), IsOk());
  EXPECT_EQ(Leased().init_picture().sha256(), uploaded.pictures(0).blob().sha256());
}

TEST_F(GenerationInputsTest, ARetryStartsFromTheSamePicture) {
  const v1::Concept uploaded = UploadedConcept();
  const auto job = Create(GenerationFrom(uploaded.name() + "/pictures/1"));
  ASSERT_THAT(job, IsOk());
  ASSERT_THAT(Cancel(job->name()), IsOk());
  ASSERT_THAT(Retry(job->name()), IsOk());
  EXPECT_EQ(Leased().init_picture().sha256(), uploaded.pictures(1).blob().sha256());
}

TEST_F(GenerationInputsTest, PicturesMustExistAndBeOfTheRightKind) {
  const v1::Concept uploaded = UploadedConcept();
  for (const std::string& missing :
       {uploaded.name() + "/pictures/2", "jobs/" + std::string(32, '0') + "/pictures/0",
        "jobs/" + std::string(32, '0') + "/samples/50",
        "adapters/" + std::string(32, '0') + "/reference"}) {
    const auto job = Create(GenerationFrom(missing));
    EXPECT_THAT(job, HasCode(absl::StatusCode::kNotFound)) << missing;
    EXPECT_THAT(job, HasMessage(HasSubstr("generate.init_picture"))) << missing;
  }
  const std::string init = uploaded.name() + "/pictures/0";
  for (const std::string& wrong :
       {std::string("cat.png"), uploaded.name(), "jobs/" + std::string(32, '0') + "/previews/0",
        "jobs/" + std::string(32, '0') + "/masks/50/0"}) {
    EXPECT_THAT(Create(GenerationFrom(wrong)), NamesField("generate.init_picture")) << wrong;
    EXPECT_THAT(Create(GenerationFrom(init, wrong)), NamesField("generate.mask_picture")) << wrong;
  }
  auto without = GenerationFrom("", init);
  without.mutable_generate()->set_steps(0);
  EXPECT_THAT(Create(without), NamesField("generate.steps"));
  EXPECT_THAT(Create(without), HasMessage(HasSubstr("generate.mask_picture")));
  EXPECT_EQ(CountJobs(), 0u);
}

TEST_F(GenerationInputsTest, AJobHasThePicturesOfAllItsPrompts) {
  auto request = GenerationOf();
  request.mutable_generate()->clear_prompt();
  request.mutable_generate()->add_prompts("a dog on the beach");
  request.mutable_generate()->add_prompts("a dog in the snow");
  request.mutable_generate()->set_picture_count(2);
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->spec().generate().seeds_size(), 2);
  const v1::LeasedJob leased = Leased();
  EXPECT_THAT(leased.spec().generate().prompts(),
              ElementsAre("a dog on the beach", "a dog in the snow"));
  const auto blob = Put(TwoPictures()[0], "image/png", leased);
  ASSERT_THAT(blob, IsOk());
  std::vector<v1::Event> events;
  v1::FinishRequest finish;
  for (int i = 0; i < 4; ++i) {
    v1::Picture& picture = *events.emplace_back().mutable_picture();
    picture.set_index(i);
    picture.set_seed(leased.spec().generate().seeds(i % 2));
    *picture.mutable_blob() = *blob;
    *finish.mutable_generated()->add_pictures() = picture;
  }
  ASSERT_THAT(Report(leased, 1, events), IsOk());
  ASSERT_THAT(Finish(finish, leased), IsOk());
  const v1::Job now = JobNow(job->name());
  ASSERT_EQ(now.pictures_size(), 4);
  EXPECT_EQ(now.pictures(3).name(), job->name() + "/pictures/3");
}

TEST_F(GenerationInputsTest, AnAdapterWorksWithAnotherBaseModelOfTheSameSizes) {
  const std::string adapter = TrainedAdapter();
  ASSERT_THAT(RegisterOther(TestBaseModel().shape_digest()), IsOk());
  auto request = GenerationOf(adapter);
  request.mutable_generate()->set_base_model("baseModels/other");
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->spec().generate().base_model(), "baseModels/other");
  EXPECT_EQ(job->spec().generate().adapter(), adapter);
  ASSERT_THAT(Cancel(job->name()), IsOk());
  const auto watched = Watch(job->name(), 0);
  ASSERT_THAT(watched, IsOk());
  ASSERT_TRUE((*watched)[1].event().has_warning());
  const v1::Event::Warning& warning = (*watched)[1].event().warning();
  EXPECT_EQ(warning.reason(), "OTHER_BASE_MODEL");
  EXPECT_THAT(warning.message(), HasSubstr(TestBaseModel().digest()));
  EXPECT_THAT(warning.message(), HasSubstr(TestBaseModel("baseModels/other").digest()));

  const auto own = Create(GenerationOf(adapter));
  ASSERT_THAT(own, IsOk());
  EXPECT_EQ(own->spec().generate().base_model(), kTestBase) << "the default";
}

TEST_F(GenerationInputsTest, ABaseModelOfOtherSizesIsRefusedAlsoAtTheLease) {
  const std::string adapter = TrainedAdapter();
  auto request = GenerationOf(adapter);
  request.mutable_generate()->set_base_model("baseModels/other");
  ASSERT_THAT(RegisterOther(TestBaseModel().shape_digest()), IsOk());
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  ASSERT_THAT(RegisterOther(std::string(64, 'f')), IsOk());
  request.set_request_id(RequestId());
  EXPECT_THAT(Create(request), HasReason("BASE_MODEL_DIFFERS"));
  Call call;
  v1::LeaseRequest lease;
  lease.set_worker("worker-b");
  lease.set_nonce("nonce");
  v1::LeaseResponse leased;
  ASSERT_THAT(FromGrpc(workers_->Lease(&call, lease, &leased)), IsOk());
  EXPECT_EQ(leased.jobs_size(), 0);
  EXPECT_EQ(JobNow(job->name()).state(), v1::JOB_STATE_FAILED);
}

TEST_F(GenerationInputsTest, ANewJobHasADisplayNameAndLabels) {
  auto request = GenerationOf();
  request.set_display_name("the dog");
  (*request.mutable_labels())["team"] = "blue";
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->display_name(), "the dog");
  EXPECT_EQ(JobNow(job->name()).labels().at("team"), "blue");
  EXPECT_EQ(Create(request)->name(), job->name());
  (*request.mutable_labels())["team"] = "red";
  EXPECT_THAT(Create(request), HasReason("REQUEST_ID_REUSED"));

  auto training = TrainingOf(UploadedConcept());
  training.set_display_name("my dog");
  training.set_validate_only(true);
  EXPECT_EQ(Create(training)->display_name(), "my dog");
  training.set_validate_only(false);
  EXPECT_EQ(Create(training)->display_name(), "my dog");
}

TEST_F(GenerationInputsTest, AllThatIsWrongOfANewJobIsNamedAtOnce) {
  auto request = GenerationOf();
  request.set_display_name(std::string(256, 'a'));
  (*request.mutable_labels())["-"] = "blue";
  (*request.mutable_labels())["team"] = "-";
  request.mutable_generate()->set_steps(0);
  const auto job = Create(request);
  for (const char* part : {"display_name", "labels", "labels[team]", "generate.steps"}) {
    EXPECT_THAT(job, HasMessage(HasSubstr(part)));
  }
  EXPECT_EQ(CountJobs(), 0u);
}

}  // namespace
}  // namespace vico::server
