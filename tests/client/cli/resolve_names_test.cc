#include "client/cli/resolve_names.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "common/crypto/random_bits.h"
#include "tests/client/lib/fake_server.h"
#include "tests/support/status_matchers.h"

namespace vico::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ResolveNamesTest : public testing::Test {
 protected:
  ResolveNamesTest() {
    ClientOptions options;
    options.server = server_.address();
    client_ = *Client::Open(options, RandomBits);
    server_.list = [this](const v1::ListConceptsRequest& request,
                          v1::ListConceptsResponse& response) {
      ++calls_;
      for (const std::string& id : ids_) {
        if (response.concepts_size() == request.page_size()) break;
        response.add_concepts()->set_name("concepts/" + id);
      }
      return grpc::Status::OK;
    };
  }

  absl::StatusOr<std::string> Resolved(const std::string& name) {
    Command command = ConceptsShow{name};
    const absl::Status status = ResolveNames(*client_, command);
    if (!status.ok()) return status;
    return std::get<ConceptsShow>(command).name;
  }

  std::vector<std::string> ids_ = {"1c9e0000000000000000000000000003",
                                   "1c9f0000000000000000000000000002",
                                   "77770000000000000000000000000001"};
  int calls_ = 0;
  FakeServer server_;
  std::unique_ptr<Client> client_;
};

TEST_F(ResolveNamesTest, TheFirstLettersOfAnIdNameTheOnlyOneThatHasThem) {
  EXPECT_EQ(Resolved("concepts/7777").value(), "concepts/" + ids_[2]);
  EXPECT_EQ(Resolved("concepts/1c9f00").value(), "concepts/" + ids_[1]);
}

TEST_F(ResolveNamesTest, SeveralMatchesAreAnErrorThatListsThem) {
  ids_[1] = "1c9e0000000000000000000000000002";
  EXPECT_THAT(Resolved("concepts/1c9e").status(),
              AllOf(HasCode(absl::StatusCode::kInvalidArgument),
                    HasMessage(AllOf(HasSubstr(ids_[0]), HasSubstr(ids_[1])))));
}

TEST_F(ResolveNamesTest, LastIsTheNewest) {
  EXPECT_EQ(Resolved("concepts/@last").value(), "concepts/" + ids_[0]);
  ids_.clear();
  EXPECT_THAT(Resolved("concepts/@last").status(), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(ResolveNamesTest, OtherNamesStayAndCostNoCall) {
  for (const std::string& name : {"concepts/" + ids_[2], std::string("concepts/1c9"),
                                  std::string("concepts/robot"), std::string()}) {
    EXPECT_EQ(Resolved(name).value(), name);
  }
  EXPECT_EQ(calls_, 0);
  EXPECT_EQ(Resolved("concepts/abcdef").value(), "concepts/abcdef");
}

TEST_F(ResolveNamesTest, ThePicturesThatAGenerationStartsFromAreResolvedToo) {
  Generate generate;
  generate.init = "concepts/7777/pictures/0";
  generate.mask = "concepts/@last/pictures/1";
  Command command = generate;
  ASSERT_THAT(ResolveNames(*client_, command), IsOk());
  EXPECT_EQ(std::get<Generate>(command).init, "concepts/" + ids_[2] + "/pictures/0");
  EXPECT_EQ(std::get<Generate>(command).mask, "concepts/" + ids_[0] + "/pictures/1");
  command = Generate();
  ASSERT_THAT(ResolveNames(*client_, command), IsOk());
  EXPECT_EQ(std::get<Generate>(command).init, std::nullopt);
}

TEST_F(ResolveNamesTest, TheFileThatAGenerationStartsFromCostsNoCall) {
  Generate generate;
  generate.init = "concepts/7777/robot.png";
  Command command = generate;
  ASSERT_THAT(ResolveNames(*client_, command), IsOk());
  EXPECT_EQ(std::get<Generate>(command).init, "concepts/7777/robot.png");
  EXPECT_EQ(calls_, 0);
}

TEST(IsPictureNameTest, NamesAreTheServersAndAllElseIsAFile) {
  const std::string id = "1c9e0000000000000000000000000003";
  for (const char* const name :
       {"jobs/1/pictures/0", "jobs/@last/samples/20", "jobs/1/samples/20/1", "jobs/1/masks/20/0",
        "jobs/1/previews/0", "concepts/1/pictures/0", "adapters/1/reference",
        "adapters/1/report"}) {
    EXPECT_TRUE(IsPictureName(name)) << name;
  }
  EXPECT_TRUE(IsPictureName("pictures/" + id));
  for (const char* const path :
       {"", "robot.png", "pictures/robot.png", "pictures/1c9e", "concepts/robot.png", "jobs/1",
        "jobs//pictures/0", "concepts/1/robot.png", "adapters/1/pictures/0"}) {
    EXPECT_FALSE(IsPictureName(path)) << path;
  }
  EXPECT_FALSE(IsPictureName("./pictures/" + id));
  EXPECT_FALSE(IsPictureName("/jobs/1/pictures/0"));
}

TEST_F(ResolveNamesTest, TheConceptOfATrainingIsResolvedToo) {
  Train train;
  train.spec.set_concept_name("concepts/7777");
  Command command = train;
  ASSERT_THAT(ResolveNames(*client_, command), IsOk());
  EXPECT_EQ(std::get<Train>(command).spec.concept_name(), "concepts/" + ids_[2]);
}

}  // namespace
}  // namespace vico::client
