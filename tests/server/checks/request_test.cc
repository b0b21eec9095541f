#include "server/checks/request.h"

#include <set>

#include <gmock/gmock.h>

#include "tests/server/base_model_fixture.h"
#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

using testing::HasSubstr;

TEST(RequestIdTest, Has16To64Characters) {
  for (const size_t good : {16, 64}) {
    EXPECT_THAT(CheckRequestId("request_id", std::string(good, 'a')), IsOk());
  }
  for (const size_t bad : {0, 15, 65}) {
    EXPECT_THAT(CheckRequestId("request_id", std::string(bad, 'a')), NamesField("request_id"));
  }
  EXPECT_THAT(CheckRequestId("request_id", "0123456789abcde/"), NamesField("request_id"));
}

TEST(PageSizeTest, Is0To100) {
  EXPECT_EQ(*CheckPageSize(0), 50);
  EXPECT_EQ(*CheckPageSize(1), 1);
  EXPECT_EQ(*CheckPageSize(100), 100);
  EXPECT_THAT(CheckPageSize(-1), NamesField("page_size"));
  EXPECT_EQ(*CheckPageSize(101), 100);
}

v1::UploadConceptRequest::Header Upload(int pictures, uint64_t size_bytes) {
  v1::UploadConceptRequest::Header header;
  header.set_request_id("0123456789abcdef");
  for (int i = 0; i < pictures; ++i) {
    auto& picture = *header.add_pictures();
    picture.set_sha256(Sha256Hex(std::to_string(i)));
    picture.set_size_bytes(size_bytes);
  }
  return header;
}

TEST(UploadHeaderTest, Takes2To20Pictures) {
  EXPECT_THAT(CheckUploadHeader(Upload(2, 1)), IsOk());
  EXPECT_THAT(CheckUploadHeader(Upload(20, 1)), IsOk());
  for (const int wrong : {0, 1, 21}) {
    EXPECT_THAT(CheckUploadHeader(Upload(wrong, 1)), NamesField("header.pictures")) << wrong;
  }
}

TEST(UploadHeaderTest, PicturesHaveASize) {
  constexpr uint64_t kMost = 10 << 20;
  EXPECT_THAT(CheckUploadHeader(Upload(6, kMost)), IsOk());
  EXPECT_THAT(CheckUploadHeader(Upload(7, kMost)), NamesField("header.pictures"));  // 70 MiB
  EXPECT_THAT(CheckUploadHeader(Upload(2, kMost + 1)), NamesField("header.pictures[0].size_bytes"));
  EXPECT_THAT(CheckUploadHeader(Upload(2, 0)), NamesField("header.pictures[0].size_bytes"));
}

TEST(UploadHeaderTest, NamesWhatIsWrong) {
  auto header = Upload(2, 1);
  header.mutable_pictures(1)->set_sha256("ABC");
  EXPECT_THAT(CheckUploadHeader(header), NamesField("header.pictures[1].sha256"));
  header = Upload(2, 1);
  header.set_request_id("short");
  EXPECT_THAT(CheckUploadHeader(header), NamesField("header.request_id"));
  header = Upload(2, 1);
  header.set_display_name(std::string(256, 'a'));
  EXPECT_THAT(CheckUploadHeader(header), NamesField("header.display_name"));
}

TEST(UploadHeaderTest, FileNamesAreMadeValid) {
  auto header = Upload(2, 1);
  header.mutable_pictures(0)->set_file_name("a\nb\u202egnp.exe");
  header.mutable_pictures(1)->set_file_name(std::string(5000, 'x') + ".png");
  CleanFileNames(header);
  EXPECT_EQ(header.pictures(0).file_name(), "a_b_gnp.exe");
  EXPECT_EQ(header.pictures(1).file_name(), std::string(255, 'x'));
  EXPECT_THAT(CheckUploadHeader(header), IsOk());
}

TEST(UploadHeaderTest, NamesEveryWrongPicture) {
  auto header = Upload(3, 1);
  header.mutable_pictures(0)->set_sha256("ABC");
  header.mutable_pictures(2)->set_size_bytes(0);
  EXPECT_THAT(CheckUploadHeader(header), HasMessage(HasSubstr("header.pictures[0].sha256")));
  EXPECT_THAT(CheckUploadHeader(header), HasMessage(HasSubstr("header.pictures[2].size_bytes")));
}

TEST(ImportHeaderTest, HasBounds) {
  v1::ImportAdapterRequest::Header header;
  header.set_request_id("0123456789abcdef");
  header.set_size_bytes(uint64_t{512} << 20);
  header.set_sha256(Sha256Hex("a"));
  header.set_reference_size_bytes(10 << 20);
  header.set_reference_sha256(Sha256Hex("b"));
  EXPECT_THAT(CheckImportHeader(header), IsOk());
  header.set_size_bytes((uint64_t{512} << 20) + 1);
  EXPECT_THAT(CheckImportHeader(header), NamesField("header.size_bytes"));
  header.set_size_bytes(1);
  header.set_reference_size_bytes(0);
  EXPECT_THAT(CheckImportHeader(header), NamesField("header.reference_size_bytes"));
  header.set_reference_size_bytes(1);
  header.set_base_model("baseModels/../x");
  EXPECT_THAT(CheckImportHeader(header), NamesField("header.base_model"));
}

TEST(RegistrationTest, NamesWhatIsWrong) {
  v1::RegisterRequest good;
  good.set_worker("worker-a");
  *good.add_base_models() = TestOffer();
  EXPECT_THAT(CheckRegistration(good), IsOk());

  auto bad = good;
  bad.clear_worker();
  EXPECT_THAT(CheckRegistration(bad), NamesField("worker"));
  bad = good;
  bad.clear_base_models();
  EXPECT_THAT(CheckRegistration(bad), NamesField("base_models"));
  bad = good;
  *bad.add_base_models() = TestOffer();
  EXPECT_THAT(CheckRegistration(bad), NamesField("base_models[1].base_model.name"));
  bad = good;
  bad.mutable_base_models(0)->mutable_base_model()->set_digest("0");
  EXPECT_THAT(CheckRegistration(bad), NamesField("base_models[0].base_model.digest"));
  bad = good;
  bad.mutable_base_models(0)->mutable_base_model()->set_size_multiple(0);
  EXPECT_THAT(CheckRegistration(bad), NamesField("base_models[0].base_model"));
  bad = good;
  bad.mutable_base_models(0)->mutable_base_model()->set_context_tokens(2);
  EXPECT_THAT(CheckRegistration(bad), NamesField("base_models[0].base_model.context_tokens"));
  bad = good;
  bad.mutable_base_models(0)->clear_merges();
  EXPECT_THAT(CheckRegistration(bad), NamesField("base_models[0].merges.sha256"));
}

TEST(RegistrationTest, RefusesTextThatIsNotPlain) {
  v1::RegisterRequest good;
  good.set_worker("worker-a");
  *good.add_base_models() = TestOffer();
  auto bad = good;
  bad.set_device("cpu\x1b[2J");
  EXPECT_THAT(CheckRegistration(bad), NamesField("device"));
  bad = good;
  bad.mutable_base_models(0)->mutable_base_model()->set_display_name("a\u202eb");
  EXPECT_THAT(CheckRegistration(bad), NamesField("base_models[0].base_model.display_name"));
  bad = good;
  bad.mutable_base_models(0)->mutable_base_model()->add_transformers("a\nb");
  EXPECT_THAT(CheckRegistration(bad), NamesField("base_models[0].base_model.transformers"));
  bad = good;
  bad.mutable_base_models(0)->mutable_merges()->set_media_type("a\nb");
  EXPECT_THAT(CheckRegistration(bad), NamesField("base_models[0].merges.media_type"));
}

TEST(ReportTest, TheTextsOfAWorkerAreMadePlainAndShort) {
  v1::ReportRequest report;
  auto& warning = *report.add_events()->mutable_warning();
  warning.set_reason("A\x1b");
  warning.set_message("two\nlines" + std::string(5000, 'x'));
  report.add_events()->mutable_mask()->set_site("up\u202e");
  report.add_events()->mutable_progress()->set_step(3);
  const v1::ReportRequest plain = WithPlainTexts(report);
  EXPECT_EQ(plain.events(0).warning().reason(), "A\\u{1b}");
  EXPECT_THAT(plain.events(0).warning().message(), testing::StartsWith("two\\nlinesx"));
  EXPECT_EQ(plain.events(0).warning().message().size(), 1024u);
  EXPECT_EQ(plain.events(1).mask().site(), "up\\u{202e}");
  EXPECT_EQ(plain.events(2).progress().step(), 3);
}

TEST(LimitsTest, HaveDifferentNames) {
  std::set<std::string_view> names;
  for (const Bounds& bounds : FieldLimits()) {
    EXPECT_TRUE(names.insert(bounds.field).second) << bounds.field;
    EXPECT_LE(bounds.min, bounds.max) << bounds.field;
  }
}

TEST(BoundsTest, MessagesSayWhatIsAllowedAndWhatWasSent) {
  EXPECT_THAT(CheckBounds(kTrainSteps, 0), HasMessage("train.steps: must be 1..5000, got 0"));
  EXPECT_THAT(CheckBounds(kEmbeddingRate, 0.25),
              HasMessage("train.embedding_learning_rate: must be 1e-06..0.1, got 0.25"));
}

}  // namespace
}  // namespace vico::server
