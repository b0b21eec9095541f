#include "server/jobs/catalog.h"

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::IsEmpty;

class CatalogTest : public JobStoreTest {
 protected:
  static RequestKey Key(const std::string& id, const std::string& tenant = "default") {
    return {tenant, id, "hash of " + id};
  }

  static v1::Concept Ball() {
    v1::Concept ball;
    ball.set_display_name("ball");
    ball.add_pictures()->set_file_name("1.png");
    return ball;
  }

  static v1::OfferedBaseModel Offer(const std::string& name, const std::string& digest) {
    v1::OfferedBaseModel offer;
    offer.mutable_base_model()->set_name(name);
    offer.mutable_base_model()->set_digest(digest);
    offer.mutable_vocabulary()->set_sha256(std::string(64, 'c'));
    return offer;
  }
};

TEST_P(CatalogTest, ReturnsAConceptAsCreated) {
  const auto made = catalog_->CreateConcept(Key("request-1"), Ball());
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->display_name(), "ball");
  EXPECT_EQ(made->create_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(catalog_->GetConcept("default", made->name())->SerializeAsString(),
            made->SerializeAsString());
  Open();
  EXPECT_EQ(catalog_->GetConcept("default", made->name())->SerializeAsString(),
            made->SerializeAsString());
}

TEST_P(CatalogTest, ARepeatedRequestCreatesNothing) {
  EXPECT_THAT(catalog_->FindConceptByRequest(Key("request-1")),
              HasCode(absl::StatusCode::kNotFound));
  const auto first = catalog_->CreateConcept(Key("request-1"), Ball());
  EXPECT_EQ(catalog_->CreateConcept(Key("request-1"), Ball())->name(), first->name());
  EXPECT_EQ(catalog_->FindConceptByRequest(Key("request-1"))->name(), first->name());
  EXPECT_EQ(catalog_->ListConcepts({.tenant = "default"})->concepts.size(), 1u);
}

TEST_P(CatalogTest, RefusesARequestIdWithAnotherBody) {
  ASSERT_THAT(catalog_->CreateConcept(Key("request-1"), Ball()), IsOk());
  RequestKey other = Key("request-1");
  other.body_hash = "another";
  EXPECT_THAT(catalog_->CreateConcept(other, Ball()), HasReason("REQUEST_ID_REUSED"));
  EXPECT_THAT(catalog_->FindConceptByRequest(other), HasReason("REQUEST_ID_REUSED"));
  EXPECT_THAT(catalog_->CreateAdapter(other, {}), HasReason("REQUEST_ID_REUSED"));
  SubmitRequest job = Generation("request-1");
  job.key.body_hash = "another";
  EXPECT_THAT(jobs_->Submit(job), HasReason("REQUEST_ID_REUSED"));
}

TEST_P(CatalogTest, TenantsDoNotSeeEachOthersResources) {
  const auto theirs = catalog_->CreateConcept(Key("request-1", "theirs"), Ball());
  const auto adapter = catalog_->CreateAdapter(Key("request-2", "theirs"), {});
  StoredPicture stored;
  stored.picture.set_source_sha256(std::string(64, '1'));
  ASSERT_THAT(catalog_->SavePicture("theirs", stored), IsOk());

  const auto not_found = HasCode(absl::StatusCode::kNotFound);
  EXPECT_THAT(catalog_->GetConcept("ours", theirs->name()), not_found);
  EXPECT_THAT(catalog_->DeleteConcept("ours", theirs->name()), not_found);
  EXPECT_THAT(catalog_->GetAdapter("ours", adapter->name()), not_found);
  EXPECT_THAT(catalog_->DeleteAdapter("ours", adapter->name()), not_found);
  EXPECT_THAT(catalog_->FindPicture("ours", stored.picture.source_sha256()), not_found);
  EXPECT_THAT(catalog_->FindConceptByRequest(Key("request-1", "ours")), not_found);
  EXPECT_THAT(catalog_->ListConcepts({.tenant = "ours"})->concepts, IsEmpty());
  EXPECT_THAT(catalog_->ListAdapters({.tenant = "ours"})->adapters, IsEmpty());
  EXPECT_THAT(catalog_->FindPicture("theirs", stored.picture.source_sha256()), IsOk());
}

TEST_P(CatalogTest, PagesOfConceptsAndAdaptersHaveNoGap) {
  std::vector<std::string> expected, seen;
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT(catalog_->CreateAdapter(Key(fmt::format("adapter-{}", i)), {}), IsOk());
    const auto made = catalog_->CreateConcept(Key(fmt::format("request-{}", i)), Ball());
    expected.insert(expected.begin(), made->name());
  }
  PageQuery query{.tenant = "default", .page_size = 2};
  do {
    const auto page = catalog_->ListConcepts(query);
    ASSERT_THAT(page, IsOk());
    EXPECT_LE(page->concepts.size(), 2u);
    for (const v1::Concept& one : page->concepts) seen.push_back(one.name());
    query.page_token = page->next_page_token;
  } while (!query.page_token.empty());
  EXPECT_EQ(seen, expected);

  const auto exact = catalog_->ListAdapters({.tenant = "default", .page_size = 5});
  EXPECT_EQ(exact->adapters.size(), 5u);
  EXPECT_EQ(exact->next_page_token, "") << "the last page has no token";
  EXPECT_THAT(catalog_->ListAdapters({.tenant = "default", .page_token = "?"}),
              NamesField("page_token"));
}

TEST_P(CatalogTest, RefusesToDeleteAConceptInUse) {
  const SubmitRequest request = Training("request-1");
  const std::string name = request.spec.train().concept_name();
  Submitted(request);
  EXPECT_THAT(catalog_->DeleteConcept("default", name), HasReason("IN_USE"));
  const Grant grant = Leased();
  EXPECT_THAT(catalog_->DeleteConcept("default", name), HasReason("IN_USE"));
  ASSERT_THAT(jobs_->Finish(Trained(grant)), IsOk());
  EXPECT_THAT(catalog_->DeleteConcept("default", name), IsOk());
  EXPECT_THAT(catalog_->GetConcept("default", name), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(catalog_->DeleteConcept("default", name), HasCode(absl::StatusCode::kNotFound));
}

TEST_P(CatalogTest, RefusesToDeleteAnAdapterInUse) {
  const auto adapter = catalog_->CreateAdapter(Key("request-1"), {});
  SubmitRequest request = Generation("request-2");
  request.spec.mutable_generate()->set_adapter(adapter->name());
  const v1::Job job = Submitted(request);
  EXPECT_THAT(catalog_->DeleteAdapter("default", adapter->name()), HasReason("IN_USE"));
  ASSERT_THAT(jobs_->Cancel("default", job.name()), IsOk());
  EXPECT_THAT(catalog_->DeleteAdapter("default", adapter->name()), IsOk());
}

TEST_P(CatalogTest, ARepeatAfterADeletionIsNotFound) {
  const auto made = catalog_->CreateConcept(Key("request-1"), Ball());
  ASSERT_THAT(catalog_->DeleteConcept("default", made->name()), IsOk());
  EXPECT_THAT(catalog_->CreateConcept(Key("request-1"), Ball()),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_P(CatalogTest, APictureIsFoundByTheDigestOfItsUpload) {
  StoredPicture stored;
  stored.picture.set_source_sha256(std::string(64, '1'));
  stored.picture.set_width(64);
  ASSERT_THAT(catalog_->SavePicture("default", stored), IsOk());
  stored.picture.set_width(128);
  stored.fingerprint = std::string("\0\xff", 2);
  ASSERT_THAT(catalog_->SavePicture("default", stored), IsOk());
  const auto found = catalog_->FindPicture("default", std::string(64, '1'));
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->picture.width(), 128);
  EXPECT_EQ(found->fingerprint, stored.fingerprint);
  EXPECT_THAT(catalog_->FindPicture("default", std::string(64, '2')),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_P(CatalogTest, ABaseModelIsReplacedByTheNextOneOfItsName) {
  EXPECT_THAT(catalog_->GetBaseModel(kToyBase), HasCode(absl::StatusCode::kNotFound));
  ASSERT_THAT(catalog_->SaveBaseModels({Offer(kToyBase, "digest-1"), Offer("baseModels/a", "d")}),
              IsOk());
  ASSERT_THAT(catalog_->SaveBaseModels({Offer(kToyBase, "digest-2")}), IsOk());
  Open();
  EXPECT_EQ(catalog_->GetBaseModel(kToyBase)->base_model().digest(), "digest-2");
  EXPECT_EQ(catalog_->GetBaseModel(kToyBase)->vocabulary().sha256(), std::string(64, 'c'));
  const auto all = catalog_->ListBaseModels();
  ASSERT_THAT(all, IsOk());
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->front().base_model().name(), "baseModels/a");
}

INSTANTIATE_TEST_SUITE_P(Backends, CatalogTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
