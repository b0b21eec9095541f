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
  generate.spec.set_init_picture("concepts/7777/pictures/0");
  generate.spec.set_mask_picture("concepts/@last/pictures/1");
  Command command = generate;
  ASSERT_THAT(ResolveNames(*client_, command), IsOk());
  const v1::GenerateSpec& spec = std::get<Generate>(command).spec;
  EXPECT_EQ(spec.init_picture(), "concepts/" + ids_[2] + "/pictures/0");
  EXPECT_EQ(spec.mask_picture(), "concepts/" + ids_[0] + "/pictures/1");
  command = Generate();
  ASSERT_THAT(ResolveNames(*client_, command), IsOk());
  EXPECT_EQ(std::get<Generate>(command).spec.init_picture(), "");
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
