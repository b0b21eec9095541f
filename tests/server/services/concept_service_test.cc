#include "server/services/concept_service.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/server/server_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConceptServiceTest : public ServerTest {
 protected:
  std::vector<v1::Concept> List() {
    Call call;
    v1::ListConceptsResponse response;
    EXPECT_THAT(FromGrpc(concepts_->ListConcepts(&call, {}, &response)), IsOk());
    return {response.concepts().begin(), response.concepts().end()};
  }

  const std::vector<std::string> pictures_ = TwoPictures();
};

TEST_F(ConceptServiceTest, AnUploadBecomesAConcept) {
  const auto response = Upload(Header(pictures_), {{0, pictures_[0]}, {1, pictures_[1]}});
  ASSERT_THAT(response, IsOk());
  const v1::Concept& uploaded = response->uploaded_concept();
  EXPECT_THAT(uploaded.name(), testing::StartsWith("concepts/"));
  EXPECT_EQ(uploaded.display_name(), "my dog");
  ASSERT_EQ(uploaded.pictures_size(), 2);
  EXPECT_EQ(uploaded.pictures(1).width(), 80);
  EXPECT_EQ(uploaded.pictures(1).height(), 64);
  EXPECT_EQ(uploaded.pictures(1).source_sha256(), Sha256Hex(pictures_[1]));
  EXPECT_EQ(uploaded.pictures(1).blob().media_type(), "image/png");
  EXPECT_THAT(uploaded.warnings(), IsEmpty());

  Call call;
  v1::GetConceptRequest request;
  request.set_name(uploaded.name());
  v1::Concept found;
  ASSERT_THAT(FromGrpc(concepts_->GetConcept(&call, request, &found)), IsOk());
  EXPECT_EQ(found.SerializeAsString(), uploaded.SerializeAsString());
  EXPECT_EQ(List().size(), 1u);
}

TEST_F(ConceptServiceTest, AHeaderAloneIsAnsweredWithTheMissingPictures) {
  const auto header = Header(pictures_);
  const auto first = Upload(header, {});
  ASSERT_THAT(first, IsOk());
  EXPECT_FALSE(first->has_uploaded_concept());
  EXPECT_THAT(first->missing_sha256(),
              ElementsAre(Sha256Hex(pictures_[0]), Sha256Hex(pictures_[1])));

  const auto half = Upload(header, {{1, pictures_[1]}});
  ASSERT_THAT(half, IsOk());
  EXPECT_FALSE(half->has_uploaded_concept());
  EXPECT_THAT(half->missing_sha256(), ElementsAre(Sha256Hex(pictures_[0])));

  const auto rest = Upload(header, {{0, pictures_[0]}});
  ASSERT_THAT(rest, IsOk());
  EXPECT_EQ(rest->uploaded_concept().pictures_size(), 2);
}

TEST_F(ConceptServiceTest, StoredPicturesNeedNotBeSentAgain) {
  UploadedConcept();
  const auto header = Header(pictures_);
  const auto again = Upload(header, {});
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(again->missing_sha256(), IsEmpty());
  EXPECT_EQ(again->uploaded_concept().pictures_size(), 2);
  EXPECT_EQ(List().size(), 2u);
}

TEST_F(ConceptServiceTest, AResumedUploadDoesNotDecodeStoredPictures) {
  UploadedConcept();
  // From now on the stored pictures do not decode.
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data_ + "/blobs")) {
    if (!entry.is_regular_file()) continue;
    const auto size = std::filesystem::file_size(entry.path());
    std::filesystem::permissions(entry.path(), std::filesystem::perms::owner_all);
    std::ofstream(entry.path(), std::ios::binary) << std::string(size, 'x');
  }
  const auto again = Upload(Header({pictures_[0], pictures_[0]}), {});
  ASSERT_THAT(again, IsOk());
  ASSERT_EQ(again->uploaded_concept().pictures_size(), 2);
  EXPECT_EQ(again->uploaded_concept().warnings_size(), 1) << "from the stored fingerprints";
}

TEST_F(ConceptServiceTest, ARepeatedRequestGetsTheFirstAnswer) {
  const auto header = Header(pictures_);
  const auto first = Upload(header, {{0, pictures_[0]}, {1, pictures_[1]}});
  const auto second = Upload(header, {{0, pictures_[0]}, {1, pictures_[1]}});
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());
  EXPECT_EQ(List().size(), 1u);

  auto other = header;
  other.set_display_name("another dog");
  EXPECT_THAT(Upload(other, {}), HasReason("REQUEST_ID_REUSED"));
}

TEST_F(ConceptServiceTest, ABadPictureIsNamedAndNothingIsCreated) {
  struct Case {
    std::string bytes;
    const char* complaint;
  };
  const std::string& good = pictures_[0];
  for (const auto& [bytes, complaint] : {Case{"not a picture at all", "is a text"},
                                         Case{good.substr(0, good.size() / 2), "does not decode"},
                                         Case{PngThatSays(50'000, 50'000), "50000 x 50000"}}) {
    const auto response = Upload(Header({good, bytes}), {{0, good}, {1, bytes}});
    EXPECT_THAT(response, HasCode(absl::StatusCode::kInvalidArgument)) << complaint;
    EXPECT_THAT(response, NamesField("pictures[1]")) << complaint;
    EXPECT_THAT(response, HasMessage(HasSubstr(complaint)));
  }
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_EQ(IncomingFiles(), 0u);
}

TEST_F(ConceptServiceTest, AllBadPicturesAreNamedAtOnce) {
  const std::string& good = pictures_[0];
  const std::string cut = good.substr(0, good.size() / 2);
  auto header = Header({"no picture", good, cut, pictures_[1]});
  header.mutable_pictures(3)->set_sha256(Sha256Hex("other"));
  const auto response = Upload(header, {{0, "no picture"}, {1, good}, {2, cut}, {3, pictures_[1]}});
  EXPECT_THAT(response, HasCode(absl::StatusCode::kInvalidArgument));
  for (const char* field : {"pictures[0]: ", "pictures[2]: ", "pictures[3]: "}) {
    EXPECT_THAT(response, HasMessage(HasSubstr(field)));
  }
  EXPECT_THAT(response, HasMessage(testing::Not(HasSubstr("pictures[1]"))));
  EXPECT_THAT(List(), IsEmpty());
  const auto after = Upload(Header({good, pictures_[1]}), {{1, pictures_[1]}});
  EXPECT_TRUE(after.ok() && after->has_uploaded_concept()) << "the good one is stored";
}

TEST_F(ConceptServiceTest, WhatIsOddAboutAPictureIsAWarningOfEveryConceptWithIt) {
  std::string odd = Encoded(TestPicture(80, 64, 1), ".jpg");
  odd.insert(odd.size() - 2, std::string(6, '\0'));  // before the end marker
  const auto first = Upload(Header({pictures_[0], odd}), {{0, pictures_[0]}, {1, odd}});
  const auto second = Upload(Header({odd, pictures_[0]}), {});  // stored already
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  ASSERT_EQ(first->uploaded_concept().warnings_size(), 1);
  ASSERT_EQ(second->uploaded_concept().warnings_size(), 1);
  EXPECT_EQ(first->uploaded_concept().warnings(0).reason(), kPictureDamaged);
  EXPECT_THAT(first->uploaded_concept().warnings(0).message(),
              testing::StartsWith("pictures[1]: "));
  EXPECT_THAT(second->uploaded_concept().warnings(0).message(),
              testing::StartsWith("pictures[0]: "));
}

TEST_F(ConceptServiceTest, FileNamesAreMadeValid) {
  auto header = Header(pictures_);
  header.mutable_pictures(0)->set_file_name("a\n\u202egnp.exe" + std::string(400, 'x'));
  const auto response = Upload(header, {{0, pictures_[0]}, {1, pictures_[1]}});
  ASSERT_THAT(response, IsOk());
  const std::string& name = response->uploaded_concept().pictures(0).file_name();
  EXPECT_THAT(name, testing::StartsWith("a__gnp.exexxx"));
  EXPECT_EQ(name.size(), 255u);
}

TEST_F(ConceptServiceTest, APictureThatKillsItsDecoderIsNamedAndTheServerContinues) {
  decoder_.program = VICO_TRICK_DECODER_BINARY;
  Start();
  const std::string deadly = Encoded(TestPicture(66, 64), ".png");
  const auto response = Upload(Header({pictures_[0], deadly}), {{0, pictures_[0]}, {1, deadly}});
  EXPECT_THAT(response, NamesField("pictures[1]"));
  EXPECT_THAT(response, HasMessage(HasSubstr("did not survive")));
  EXPECT_THAT(List(), IsEmpty());
  const std::string other = Encoded(TestPicture(80, 64, 1), ".png");
  const auto after = Upload(Header({pictures_[0], other}), {{0, pictures_[0]}, {1, other}});
  ASSERT_THAT(after, IsOk());
  EXPECT_EQ(after->uploaded_concept().pictures_size(), 2);
}

TEST_F(ConceptServiceTest, TheNameOfAFileDoesNotMatter) {
  auto header = Header(pictures_);
  header.mutable_pictures(0)->set_file_name("dog.exe");
  header.mutable_pictures(1)->set_file_name("dog.png");  // a JPEG
  EXPECT_THAT(Upload(header, {{0, pictures_[0]}, {1, pictures_[1]}}), IsOk());
}

TEST_F(ConceptServiceTest, TooFewTooManyOrEmptyPicturesAreRefused) {
  EXPECT_THAT(Upload(Header({pictures_[0]}), {}), NamesField("header.pictures"));
  EXPECT_THAT(Upload(Header(std::vector<std::string>(21, pictures_[0])), {}),
              NamesField("header.pictures"));
  EXPECT_THAT(Upload(Header({pictures_[0], ""}), {}), NamesField("header.pictures[1].size_bytes"));
}

TEST_F(ConceptServiceTest, BytesMustBeThoseAnnounced) {
  auto header = Header(pictures_);
  header.mutable_pictures(0)->set_sha256(Sha256Hex("other"));
  EXPECT_THAT(Upload(header, {{0, pictures_[0]}}), NamesField("pictures[0]"));
  EXPECT_THAT(Upload(Header(pictures_), {{0, pictures_[0] + "x"}, {1, pictures_[1]}}),
              HasCode(absl::StatusCode::kInvalidArgument));
  const auto half = pictures_[0].substr(0, pictures_[0].size() / 2);
  EXPECT_THAT(Upload(Header(pictures_), {{0, half}}), HasMessage(HasSubstr("ended after")));
  EXPECT_THAT(Upload(Header(pictures_), {{0, half}, {1, pictures_[1]}}),
              NamesField("chunk.picture_index"));
  EXPECT_THAT(Upload(Header(pictures_), {{2, half}}), NamesField("chunk.picture_index"));
}

TEST_F(ConceptServiceTest, ChunksBeforeAHeaderAreRefused) {
  Call call;
  v1::UploadConceptResponse response;
  const auto writer = concepts_->UploadConcept(&call, &response);
  v1::UploadConceptRequest request;
  request.mutable_chunk()->set_data("x");
  writer->Write(request);
  writer->WritesDone();
  EXPECT_THAT(FromGrpc(writer->Finish()), NamesField("header"));
}

TEST_F(ConceptServiceTest, PicturesThatLookTheSameGiveAWarning) {
  const std::string png = Encoded(TestPicture(64, 64), ".png");
  const std::string jpeg = Encoded(TestPicture(64, 64), ".jpg");
  const auto alike = Upload(Header({png, jpeg}), {{0, png}, {1, jpeg}});
  ASSERT_THAT(alike, IsOk());
  ASSERT_EQ(alike->uploaded_concept().warnings_size(), 1);
  EXPECT_EQ(alike->uploaded_concept().warnings(0).reason(), "DUPLICATE_PICTURES");
  EXPECT_THAT(alike->uploaded_concept().warnings(0).message(),
              HasSubstr("pictures[0] and pictures[1]"));

  const auto equal = Upload(Header({png, png}), {});  // stored already
  ASSERT_THAT(equal, IsOk());
  EXPECT_EQ(equal->uploaded_concept().warnings_size(), 1);
}

TEST_F(ConceptServiceTest, AClientThatGoesAwayLeavesNothingHalfDone) {
  Call call;
  v1::UploadConceptResponse response;
  const auto writer = concepts_->UploadConcept(&call, &response);
  v1::UploadConceptRequest request;
  *request.mutable_header() = Header(pictures_);
  ASSERT_TRUE(writer->Write(request));
  request.mutable_chunk()->set_data(pictures_[0].substr(0, 100));
  ASSERT_TRUE(writer->Write(request));
  ASSERT_TRUE(Eventually([&] { return server_->open_streams() == 1; }));
  call.TryCancel();
  EXPECT_THAT(FromGrpc(writer->Finish()), HasCode(absl::StatusCode::kCancelled));
  EXPECT_TRUE(Eventually([&] { return server_->open_streams() == 0; }));
  EXPECT_EQ(StoredFiles(), 0u);
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(ConceptServiceTest, AFullDiskIsReportedAndLeavesNothing) {
  files_.full = true;
  const auto full = Upload(Header(pictures_), {{0, pictures_[0]}, {1, pictures_[1]}});
  EXPECT_THAT(full, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(full, HasReason("DISK_FULL"));
  EXPECT_EQ(StoredFiles(), 0u);
  EXPECT_THAT(List(), IsEmpty());

  files_.full = false;
  EXPECT_THAT(Upload(Header(pictures_), {{0, pictures_[0]}, {1, pictures_[1]}}), IsOk());
}

TEST_F(ConceptServiceTest, NamesAreChecked) {
  for (const char* name : {"", "concepts/", "concepts/../../etc/passwd", "jobs/x"}) {
    Call get, remove;
    v1::GetConceptRequest request;
    request.set_name(name);
    v1::Concept found;
    EXPECT_THAT(FromGrpc(concepts_->GetConcept(&get, request, &found)), NamesField("name"));
    v1::DeleteConceptRequest deletion;
    deletion.set_name(name);
    google::protobuf::Empty nothing;
    EXPECT_THAT(FromGrpc(concepts_->DeleteConcept(&remove, deletion, &nothing)),
                NamesField("name"));
  }
}

TEST_F(ConceptServiceTest, ADeletedConceptIsGone) {
  const v1::Concept uploaded = UploadedConcept();
  Call remove, get;
  v1::DeleteConceptRequest deletion;
  deletion.set_name(uploaded.name());
  google::protobuf::Empty nothing;
  ASSERT_THAT(FromGrpc(concepts_->DeleteConcept(&remove, deletion, &nothing)), IsOk());
  v1::GetConceptRequest request;
  request.set_name(uploaded.name());
  v1::Concept found;
  EXPECT_THAT(FromGrpc(concepts_->GetConcept(&get, request, &found)),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(ConceptServiceTest, ListsComeInPages) {
  for (int i = 0; i < 3; ++i) UploadedConcept();
  std::vector<std::string> names;
  v1::ListConceptsRequest request;
  request.set_page_size(2);
  do {
    Call call;
    v1::ListConceptsResponse response;
    ASSERT_THAT(FromGrpc(concepts_->ListConcepts(&call, request, &response)), IsOk());
    EXPECT_LE(response.concepts_size(), 2);
    for (const auto& item : response.concepts()) names.push_back(item.name());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(names.size(), 3u);

  Call call;
  v1::ListConceptsResponse response;
  request.set_page_size(-1);
  EXPECT_THAT(FromGrpc(concepts_->ListConcepts(&call, request, &response)),
              NamesField("page_size"));
}

}  // namespace
}  // namespace vico::server
