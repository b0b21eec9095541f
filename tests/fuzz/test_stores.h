// Stores in a temporary folder with a base model, a concept and an adapter, for requests to
// reference.
#pragma once

#include <memory>
#include <string>

#include "server/blobs/tracked_blob_store.h"
#include "server/checks/spec_check.h"
#include "server/disk/files.h"
#include "server/jobs/job.h"
#include "server/objects/local_objects.h"
#include "server/resources/stores.h"
#include "server/sql/sqlite_database.h"
#include "server/store/sql_catalog.h"
#include "server/store/sql_job_changes.h"
#include "server/store/sql_job_store.h"
#include "server/store/sql_picture_store.h"
#include "server/store/sql_worker_store.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/server/base_model_fixture.h"
#include "tests/server/pictures/direct_decoder.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_folder.h"

namespace vico::fuzz {

class TestStores {
 public:
  static constexpr char kTenant[] = "default";

  TestStores() {
    auto database = server::SqliteDatabase::Open(folder_.path() + "/vico.db");
    MustHold(database.ok(), "a database opens");
    database_ = *std::move(database);
    catalog_ = std::make_unique<server::SqlCatalog>(*database_, time_);
    worker_store_ = std::make_unique<server::SqlWorkerStore>(*database_, time_);
    workers_ = std::make_unique<server::WorkerRegistry>(*worker_store_, *catalog_, feed_, clock_);
    auto objects = server::LocalObjects::Open(folder_.path() + "/blobs", files_);
    MustHold(objects.ok(), "an object store opens");
    objects_ = *std::move(objects);
    blobs_ =
        std::make_unique<server::TrackedBlobStore>(server::BlobParts{*objects_, *database_, time_});
    auto jobs = server::SqlJobStore::Open(*database_, clock_, time_, feed_, {});
    MustHold(jobs.ok(), "a job store opens");
    jobs_ = *std::move(jobs);
    tokenizers_ = std::make_unique<server::TokenizerCache>(*blobs_);
    pictures_ = std::make_unique<server::SqlPictureStore>(*database_);
    changes_ = std::make_unique<server::SqlJobChanges>(*database_, time_);
    stores_ = std::unique_ptr<server::Stores>(
        new server::Stores{*jobs_, *blobs_, *catalog_, *workers_, leases_, feed_, *tokenizers_,
                           decoder_, admission_, decoding_, *pictures_, *changes_});
    specs_ =
        std::make_unique<server::SpecCheck>(server::PictureSources{*catalog_, *jobs_, *pictures_},
                                            *workers_, *tokenizers_, [] { return uint64_t{7}; });
    Fill();
  }

  FakeClock& clock() { return clock_; }
  server::Stores& stores() { return *stores_; }
  const server::SpecCheck& specs() const { return *specs_; }
  const std::string& concept_name() const { return concept_; }
  const std::string& adapter_name() const { return adapter_; }

 private:
  void Fill() {
    for (const std::string& file : {server::TestVocabulary(), server::TestMerges()}) {
      for (const std::string_view tenant : {std::string_view(kTenant), server::kSystemTenant}) {
        MustHold(server::PutBlob(*blobs_, tenant, file, "text/plain").ok(), "a blob is stored");
      }
    }
    v1::RegisterRequest worker;
    worker.set_worker("worker");
    worker.set_device("cpu");
    *worker.add_base_models() = server::TestOffer();
    MustHold(workers_->Register(worker).ok(), "a worker registers");
    v1::Concept pictures;
    pictures.add_pictures()->mutable_blob()->CopyFrom(
        server::RefOf(server::TestVocabulary(), "image/png"));
    const auto made = catalog_->CreateConcept({kTenant, "concept-request-id", "h"}, pictures);
    MustHold(made.ok(), "a concept is created");
    concept_ = made->name();
    v1::Adapter adapter;
    adapter.set_base_model(server::kTestBase);
    adapter.set_base_model_digest(server::TestBaseModel().digest());
    adapter.set_placeholder("S*");
    const auto imported = catalog_->CreateAdapter({kTenant, "adapter-request-id", "h"}, adapter);
    MustHold(imported.ok(), "an adapter is created");
    adapter_ = imported->name();
  }

  TempFolder folder_;
  FakeClock clock_;
  const server::StoreClock time_{clock_};
  server::PosixFiles files_;
  server::EventFeed feed_;
  server::DirectDecoder decoder_;
  server::DecodeQueue decoding_{{}};
  server::Admission admission_{{}, clock_, [] {
                                 return server::DiskSpace{uint64_t{1} << 40, uint64_t{1} << 40};
                               }};
  std::unique_ptr<server::Database> database_;
  std::unique_ptr<server::SqlCatalog> catalog_;
  std::unique_ptr<server::SqlWorkerStore> worker_store_;
  std::unique_ptr<server::WorkerRegistry> workers_;
  server::LeaseHolders leases_;
  std::unique_ptr<server::LocalObjects> objects_;
  std::unique_ptr<server::TrackedBlobStore> blobs_;
  std::unique_ptr<server::SqlJobStore> jobs_;
  std::unique_ptr<server::TokenizerCache> tokenizers_;
  std::unique_ptr<server::SqlPictureStore> pictures_;
  std::unique_ptr<server::SqlJobChanges> changes_;
  std::unique_ptr<server::Stores> stores_;
  std::unique_ptr<server::SpecCheck> specs_;
  std::string concept_;
  std::string adapter_;
};

}  // namespace vico::fuzz
