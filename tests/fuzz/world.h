// What requests refer to: a base model on offer, a concept, an adapter, stores in a folder of their
// own.
#pragma once

#include <memory>
#include <string>

#include "server/blob_store_local.h"
#include "server/blob_store_tracked.h"
#include "server/catalog_sqlite.h"
#include "server/database.h"
#include "server/files.h"
#include "server/job.h"
#include "server/job_store_sqlite.h"
#include "server/spec_check.h"
#include "server/stores.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/server/base_model_fixture.h"
#include "tests/server/direct_decoder.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_folder.h"

namespace vico {

class World {
 public:
  static constexpr char kTenant[] = "default";

  World() {
    auto made = Database::Open(folder_.path() + "/vico.db");
    MustHold(made.ok(), "a database opens");
    database_ = *std::move(made);
    catalog_ = std::make_unique<SqliteCatalog>(*database_, clock_);
    auto blobs = LocalBlobStore::Open(folder_.path() + "/blobs", files_);
    MustHold(blobs.ok(), "a blob store opens");
    blob_files_ = *std::move(blobs);
    blobs_ = std::make_unique<TrackedBlobStore>(*blob_files_, *database_, steady_);
    auto jobs = SqliteJobStore::Open(*database_, clock_, feed_, {});
    MustHold(jobs.ok(), "a job store opens");
    jobs_ = *std::move(jobs);
    tokenizers_ = std::make_unique<Tokenizers>(*blobs_);
    stores_ = std::unique_ptr<Stores>(
        new Stores{*jobs_, *blobs_, *catalog_, feed_, *tokenizers_, decoder_, admission_});
    specs_ = std::make_unique<SpecCheck>(*stores_, [] { return uint64_t{7}; });
    Fill();
  }

  FakeClock& clock() { return clock_; }
  Stores& stores() { return *stores_; }
  const SpecCheck& specs() const { return *specs_; }
  const std::string& concept_name() const { return concept_; }
  const std::string& adapter_name() const { return adapter_; }

 private:
  void Fill() {
    for (const std::string& file : {TestVocabulary(), TestMerges()}) {
      for (const std::string_view tenant : {std::string_view(kTenant), kSystemTenant}) {
        MustHold(PutBlob(*blobs_, tenant, file, "text/plain").ok(), "a blob is stored");
      }
    }
    v1::RegisterRequest worker;
    worker.set_worker("worker");
    worker.set_device("cpu");
    *worker.add_base_models() = TestOffer();
    MustHold(catalog_->RegisterWorker(worker).ok(), "a worker registers");
    const auto made = catalog_->CreateConcept({kTenant, "concept-request-id", "h"}, {});
    MustHold(made.ok(), "a concept is made");
    concept_ = made->name();
    v1::Adapter adapter;
    adapter.set_base_model(kTestBase);
    adapter.set_base_model_digest(TestBaseModel().digest());
    adapter.set_placeholder("S*");
    const auto imported = catalog_->CreateAdapter({kTenant, "adapter-request-id", "h"}, adapter);
    MustHold(imported.ok(), "an adapter is made");
    adapter_ = imported->name();
  }

  TempFolder folder_;
  FakeClock clock_;
  const SteadyTime steady_{clock_};
  PosixFiles files_;
  EventFeed feed_;
  DirectDecoder decoder_;
  Admission admission_{{}, clock_, [] { return DiskSpace{uint64_t{1} << 40, uint64_t{1} << 40}; }};
  std::unique_ptr<Database> database_;
  std::unique_ptr<SqliteCatalog> catalog_;
  std::unique_ptr<LocalBlobStore> blob_files_;
  std::unique_ptr<TrackedBlobStore> blobs_;
  std::unique_ptr<SqliteJobStore> jobs_;
  std::unique_ptr<Tokenizers> tokenizers_;
  std::unique_ptr<Stores> stores_;
  std::unique_ptr<SpecCheck> specs_;
  std::string concept_;
  std::string adapter_;
};

}  // namespace vico
