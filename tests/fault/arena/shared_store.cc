#include "tests/fault/arena/shared_store.h"

#include <iostream>
#include <utility>

#include <fmt/format.h>

#include "common/clock.h"
#include "common/crypto/sensitive.h"
#include "common/crypto/sha256.h"
#include "common/status.h"
#include "server/s3/http_client.h"
#include "server/s3/s3_client.h"
#include "server/s3/s3_objects.h"
#include "tests/support/temp_folder.h"

namespace vico::fault {
namespace {

constexpr char kBucket[] = "vico";
constexpr int kEvery = 1'000'000;

server::S3Options S3At(const std::string& endpoint) {
  server::S3Options options;
  options.bucket = kBucket;
  options.endpoint = endpoint;
  options.credentials.access_key = Seaweed::kAccessKey;
  options.credentials.secret_key = Sensitive(Seaweed::kSecretKey);
  return options;
}

void MakeBucket(const server::S3Options& options) {
  server::HttpClient http;
  const server::HttpSignature signature{"s3", options.region, Seaweed::kAccessKey,
                                        Seaweed::kSecretKey};
  server::HttpRequest request;
  request.method = "PUT";
  request.url = BucketUrl(options);
  request.headers = {"x-amz-content-sha256: " + Sha256Hex("")};
  request.signature = &signature;
  const bool made = Eventually([&] {
    const auto answer = http.Send(request);
    return answer.ok() && answer->code == 200;
  });
  if (!made) std::cerr << "the bucket could not be created\n";
}

}  // namespace

SharedStore::SharedStore() : keeper_([this] { Keep(); }) {
  DoOnKeeper([this] {
    cluster_ = std::make_unique<PostgresCluster>();
    url_ = cluster_->NewDatabase();
    const auto migrated = server::PostgresDatabase::Open({.url = url_});
    if (!migrated.ok()) std::cerr << migrated.status() << "\n";
    seaweed_ = std::make_unique<Seaweed>();
    proxy_ = std::make_unique<FaultProxy>(seaweed_->port());
    MakeBucket(S3At(seaweed_->endpoint()));
  });
}

SharedStore::~SharedStore() {
  DoOnKeeper([this] {
    proxy_.reset();
    seaweed_.reset();
    cluster_.reset();
  });
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  keeper_.join();
}

void SharedStore::DoOnKeeper(const std::function<void()>& task) {
  const MutexLock lock(mutex_);
  changed_.Wait(mutex_, [this] {
    mutex_.AssertHeld();
    return task_ == nullptr;
  });
  task_ = &task;
  changed_.NotifyAll();
  changed_.Wait(mutex_, [this, &task] {
    mutex_.AssertHeld();
    return task_ != &task;
  });
}

void SharedStore::Keep() {
  for (;;) {
    const std::function<void()>* task = nullptr;
    {
      const MutexLock lock(mutex_);
      changed_.Wait(mutex_, [this] {
        mutex_.AssertHeld();
        return task_ != nullptr || stopping_;
      });
      if (task_ == nullptr) return;
      task = task_;
    }
    (*task)();
    {
      const MutexLock lock(mutex_);
      task_ = nullptr;
    }
    changed_.NotifyAll();
  }
}

std::vector<std::string> SharedStore::flags() const {
  return {"--database",      url_, "--blobs", fmt::format("s3://{}", kBucket), "--s3-endpoint",
          proxy_->endpoint()};
}

std::map<std::string, std::string> SharedStore::environment() {
  return {{"AWS_ACCESS_KEY_ID", Seaweed::kAccessKey},
          {"AWS_SECRET_ACCESS_KEY", Seaweed::kSecretKey}};
}

void SharedStore::KillDatabase(std::chrono::milliseconds away) {
  DoOnKeeper([&] {
    cluster_->Kill();
    std::this_thread::sleep_for(away);
    cluster_->Start();
  });
}

void SharedStore::RestartDatabase() {
  DoOnKeeper([&] { cluster_->Restart(); });
}

void SharedStore::EndSessions() {
  DoOnKeeper([&] {
    cluster_->Psql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
        "AND pid <> pg_backend_pid() UNION ALL SELECT pg_terminate_backend(pid) FROM "
        "pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT 0%' "
        "OR query LIKE '%pg_try_advisory_lock%')");
  });
}

void SharedStore::TakeBucketAway(Outage outage, std::chrono::milliseconds time) {
  if (outage == Outage::kAway) {
    proxy_->Down();
  } else {
    proxy_->Plan(HttpFault::kSlowDown, kEvery);
  }
  std::this_thread::sleep_for(time);
  if (outage == Outage::kAway) {
    proxy_->Up();
  } else {
    proxy_->Heal();
  }
}

absl::StatusOr<std::unique_ptr<server::PostgresDatabase>> SharedStore::OpenDatabase() const {
  return server::PostgresDatabase::Open({.url = url_}, server::PostgresDatabase::Schema::kAny);
}

absl::StatusOr<Snapshot> SharedStore::Read() const {
  ASSIGN_OR_RETURN(const auto database, OpenDatabase());
  const SystemClock clock;
  const TempFolder scratch;
  server::S3Objects objects(S3At(seaweed_->endpoint()), scratch.path(), clock);
  return ReadSnapshot(*database, objects);
}

}  // namespace vico::fault
