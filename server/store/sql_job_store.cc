#include "server/store/sql_job_store.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "common/failpoint.h"
#include "common/ids.h"
#include "common/status.h"
#include "server/blobs/byte_quota.h"
#include "server/jobs/job.h"
#include "server/jobs/job_kinds.h"
#include "server/rows/adapter_quota.h"
#include "server/rows/adapter_rows.h"
#include "server/rows/job_filter_sql.h"
#include "server/rows/job_picture_rows.h"
#include "server/rows/page_token.h"
#include "server/rows/request_row.h"
#include "server/tenants/admission.h"

namespace vico::server {
namespace {

// The lock of submits whose job may be the last that the queue takes. A tenant's lock comes first.
constexpr std::string_view kQueueScope = "queue";
// More submits than are under way at once, on all servers.
constexpr int64_t kUncounted = 256;
constexpr absl::Duration kQueueRetry = absl::Seconds(10);
constexpr std::string_view kCountOfState =
    "SELECT oldest.tenant, oldest.kind, oldest.state, counted.jobs, oldest.create_time "
    "FROM (SELECT count(*) AS jobs, min(number) AS first FROM job WHERE state";
constexpr std::string_view kOldestOfCount =
    " GROUP BY tenant, kind) AS counted JOIN job AS oldest ON oldest.number = counted.first";

// The job as clients see it, with its position in the queue.
absl::StatusOr<v1::Job> WithPosition(SqlSession& db, JobRow row) {
  RETURN_IF_ERROR(SetPositions(db, {&row, 1}));
  return std::move(row.job);
}

absl::Status CheckExists(SqlSession& db, std::string_view sql, std::string_view field,
                         std::string_view tenant, std::string_view name) {
  if (name.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t found, db.QueryInt(sql, {name, tenant}, 0));
  if (found != 0) return absl::OkStatus();
  return Error(absl::StatusCode::kNotFound, fmt::format("{}: {} does not exist", field, name),
               "NOT_FOUND");
}

// The catalog checks for queued jobs in the transaction that deletes, so these rows stay.
absl::Status CheckInputs(SqlSession& db, std::string_view tenant, const v1::JobSpec& spec) {
  RETURN_IF_ERROR(CheckExists(db, "SELECT 1 FROM concept WHERE name = ? AND tenant = ?",
                              "train.concept_name", tenant, spec.train().concept_name()));
  const std::string_view field = spec.has_train()      ? "train.continued_adapter"
                                 : spec.has_evaluate() ? "evaluate.adapter"
                                                       : "generate.adapter";
  return CheckExists(db, "SELECT 1 FROM adapter WHERE name = ? AND tenant = ?", field, tenant,
                     AdapterOf(spec));
}

/// The pictures of an evaluation are those that its adapter was trained on.
absl::StatusOr<std::string> ConceptToMeasure(SqlSession& db, std::string_view tenant,
                                             const v1::JobSpec& spec) {
  if (!spec.has_evaluate()) return "";
  ASSIGN_OR_RETURN(std::string name, ConceptOfAdapter(db, tenant, spec.evaluate().adapter()));
  ASSIGN_OR_RETURN(
      const int64_t found,
      db.QueryInt("SELECT 1 FROM concept WHERE name = ? AND tenant = ?", {name, tenant}, 0));
  if (found == 0) return NoConceptPictures(spec.evaluate().adapter());
  return name;
}

/// Of a training that continues an adapter: the checkpoint after the adapter's last step, if it is
/// kept. Without it the worker starts from the weights.
absl::StatusOr<v1::TrainingCheckpoints> CheckpointsToStartFrom(SqlSession& db,
                                                               std::string_view tenant,
                                                               const v1::JobSpec& spec) {
  v1::TrainingCheckpoints start;
  const v1::TrainSpec& train = spec.train();
  if (train.continued_adapter().empty()) return start;
  ASSIGN_OR_RETURN(const v1::TrainingCheckpoints kept,
                   CheckpointsOfAdapter(db, tenant, train.continued_adapter()));
  for (const v1::Event::Checkpoint& checkpoint : kept.newest_first()) {
    if (checkpoint.step() == train.continued_steps()) *start.add_newest_first() = checkpoint;
  }
  return start;
}

/// The new training references the checkpoint, so that it stays until a worker has it.
absl::Status KeepStart(SqlSession& db, absl::Time now, const JobRow& row) {
  if (row.checkpoints.newest_first().empty()) return absl::OkStatus();
  RETURN_IF_ERROR(NameCheckpoints(db, now, row));
  const std::string checkpoints = row.checkpoints.SerializeAsString();
  return db.Send("UPDATE job SET checkpoints = ? WHERE number = ?",
                 {Bytes{checkpoints}, row.number});
}

absl::Status QueueFull(const std::string& whose, const std::string& subject, int limit) {
  const std::string message = fmt::format("{} queue is full: {} jobs are waiting", whose, limit);
  return WithQuota(
      WithRetryAfter(Error(absl::StatusCode::kResourceExhausted, message, "QUEUE_FULL"),
                     kQueueRetry),
      subject, message);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqlJobStore>> SqlJobStore::Open(Database& database,
                                                               const Clock& clock,
                                                               const StoreClock& time,
                                                               EventFeed& feed,
                                                               JobStoreOptions options) {
  if (!options.random01) options.random01 = [] { return 0.5; };
  std::unique_ptr<SqlJobStore> store(
      new SqlJobStore(database, clock, time, feed, std::move(options)));
  return store;
}

SqlJobStore::SqlJobStore(Database& database, const Clock& clock, const StoreClock& time,
                         EventFeed& feed, JobStoreOptions options)
    : database_(database), clock_(clock), time_(time), feed_(feed), options_(std::move(options)) {}

void SqlJobStore::RecordPhase(const JobPhase& phase) const {
  if (options_.on_phase) options_.on_phase(phase);
}

/// Also returns how many jobs are queued.
absl::StatusOr<int64_t> SqlJobStore::CheckQueueLimits(SqlSession& db,
                                                      std::string_view tenant) const {
  int64_t own = 0;
  int64_t all = 0;
  const auto count = [&] {
    // With all kinds the index of queued jobs fits; by the tenant alone SQLite reads all its jobs.
    static const std::string kCount = fmt::format(
        "SELECT (SELECT count(*) FROM job WHERE state = 'queued' AND tenant = ? AND {}), "
        "(SELECT count(*) FROM job WHERE state = 'queued')",
        kOfAnyKind);
    return db.Query(kCount, {tenant}, [&](const SqlRow& row) {
      own = row.Int(0);
      all = row.Int(1);
      return absl::OkStatus();
    });
  };
  RETURN_IF_ERROR(count());
  // Other tenants' jobs that are not yet committed are not counted. Close to the limit, one submit
  // at a time counts and commits.
  if (all + kUncounted >= options_.queued_total) {
    RETURN_IF_ERROR(db.Lock(kQueueScope));
    RETURN_IF_ERROR(count());
  }
  if (own >= options_.queued_per_tenant) {
    return QueueFull("your", fmt::format("tenants/{}", tenant), options_.queued_per_tenant);
  }
  if (all >= options_.queued_total) {
    return QueueFull("the server's", "server", options_.queued_total);
  }
  return all;
}

/// Counts a new job of the tenant, unless it comes too early. `submit_time` runs ahead of the time
/// by what the tenant has used of its burst.
absl::Status SqlJobStore::CheckSubmitRate(SqlSession& db, std::string_view tenant) const {
  if (options_.submits_per_second <= 0) return absl::OkStatus();
  RETURN_IF_ERROR(db.Send("INSERT INTO tenant (name) VALUES (?) ON CONFLICT DO NOTHING", {tenant}));
  const absl::Duration share = absl::Seconds(1 / options_.submits_per_second);
  const absl::Time now = time_.Now();
  const absl::Time latest = now + (options_.submit_burst - 1) * share;
  ASSIGN_OR_RETURN(const int changed,
                   db.Execute("UPDATE tenant SET submit_time = "
                              "CASE WHEN submit_time > ?2 THEN submit_time ELSE ?2 END + ?3 "
                              "WHERE name = ?1 AND submit_time <= ?4",
                              {tenant, absl::ToUnixMicros(now), absl::ToInt64Microseconds(share),
                               absl::ToUnixMicros(latest)}));
  if (changed == 1) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t used,
                   db.QueryInt("SELECT submit_time FROM tenant WHERE name = ?", {tenant}, 0));
  return SubmitRateExceeded(tenant, options_.submits_per_second, options_.submit_burst,
                            absl::FromUnixMicros(used) - latest);
}

absl::Status SqlJobStore::CheckQuota(SqlSession& db, std::string_view tenant,
                                     v1::JobKind kind) const {
  if (kind == v1::JOB_KIND_TRAINING) {
    RETURN_IF_ERROR(CheckAdapterQuota(db, options_.quota, tenant));
  }
  // A job's results have at least one byte.
  return CheckByteQuota(db, options_.quota, tenant, 1);
}

absl::StatusOr<v1::Job> SqlJobStore::Submit(const SubmitRequest& request) {
  const RequestKey& key = request.key;
  if (KindOf(request.spec) == v1::JOB_KIND_UNSPECIFIED || BaseModelOf(request.spec).empty()) {
    return absl::InternalError("submit: the spec must have a kind and a base model");
  }
  VICO_FAILPOINT("submit.before_row");
  v1::Job job;
  bool queued = false;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    queued = false;
    RETURN_IF_ERROR(db.Lock(TenantScope(key.tenant)));
    ASSIGN_OR_RETURN(const std::string earlier, FindRequest(db, key));
    JobRow row;
    if (!earlier.empty()) {
      ASSIGN_OR_RETURN(row, FindJobOfTenant(db, key.tenant, earlier));
      RETURN_IF_ERROR(SetPositions(db, {&row, 1}));
    } else {
      RETURN_IF_ERROR(CheckSubmitRate(db, key.tenant));
      ASSIGN_OR_RETURN(const int64_t ahead, CheckQueueLimits(db, key.tenant));
      RETURN_IF_ERROR(CheckQuota(db, key.tenant, KindOf(request.spec)));
      RETURN_IF_ERROR(CheckInputs(db, key.tenant, request.spec));
      row.tenant = key.tenant;
      row.job.set_name(JobName(NewId()));
      *row.job.mutable_spec() = request.spec;
      row.job.set_total_steps(request.spec.train().steps());
      row.job.set_queue_position(static_cast<uint64_t>(ahead));
      row.queue_until = time_.Now() + options_.queue_limit;
      row.deadline = time_.Now() + options_.total_limit;
      row.trace = request.trace;
      row.pictures = request.pictures;
      row.job.set_display_name(request.display_name);
      *row.job.mutable_labels() = request.labels;
      ASSIGN_OR_RETURN(row.concept_name, ConceptToMeasure(db, key.tenant, request.spec));
      ASSIGN_OR_RETURN(row.checkpoints, CheckpointsToStartFrom(db, key.tenant, request.spec));
      RETURN_IF_ERROR(InsertJob(db, time_.Wall(), request.warnings, row));
      RETURN_IF_ERROR(KeepStart(db, time_.Now(), row));
      if (request.base_model_missing) {
        RETURN_IF_ERROR(
            db.Send("UPDATE job SET base_model_missing = 1 WHERE number = ?", {row.number}));
      }
      RETURN_IF_ERROR(NameJobPictures(db, row));
      if (!request.display_name.empty() || !request.labels.empty()) {
        RETURN_IF_ERROR(SaveDisplay(db, row));
      }
      RETURN_IF_ERROR(InsertRequest(db, key, row.job.name()));
      queued = true;
    }
    job = std::move(row.job);
    return absl::OkStatus();
  }));
  if (queued) {
    feed_.JobChanged(key.tenant, job.name());
    feed_.QueueChanged(BaseModelOf(job.spec()));
  }
  VICO_FAILPOINT("submit.after_commit");
  return job;
}

absl::StatusOr<v1::Job> SqlJobStore::FindByRequest(const RequestKey& key) {
  v1::Job found;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string name, FindRequest(db, key));
    if (name.empty()) return RequestIsNew();
    ASSIGN_OR_RETURN(JobRow row, FindJobOfTenant(db, key.tenant, name));
    ASSIGN_OR_RETURN(found, WithPosition(db, std::move(row)));
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<v1::Job> SqlJobStore::Get(std::string_view tenant, std::string_view job) {
  v1::Job found;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(JobRow row, FindJobOfTenant(db, tenant, job));
    ASSIGN_OR_RETURN(found, WithPosition(db, std::move(row)));
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<JobPage> SqlJobStore::List(const JobQuery& query) {
  const PageScope scope{"jobs", query.tenant};
  const FilterParameters with(query.filter);
  std::vector<JobRow> rows;
  JobPage page;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t below, BelowNumber(db, scope, query.page_token));
    const std::string sql =
        SelectJob(fmt::format("WHERE {} AND number < ?8 ORDER BY number DESC LIMIT ?9",
                              FilterSql(db.dialect(), query.filter)));
    RETURN_IF_ERROR(
        db.Query(sql,
                 {query.tenant, with.kinds, with.states, with.created_after, with.created_before,
                  with.concept_name, with.adapter, below, int64_t{query.page_size} + 1},
                 [&](const SqlRow& columns) -> absl::Status {
                   ASSIGN_OR_RETURN(JobRow row, FromRow(columns));
                   rows.push_back(std::move(row));
                   return absl::OkStatus();
                 }));
    if (rows.size() > static_cast<size_t>(query.page_size)) {
      rows.pop_back();
      ASSIGN_OR_RETURN(page.next_page_token, PageToken(db, scope, rows.back().number));
    }
    page.total_size = static_cast<int64_t>(rows.size());
    if (!query.page_token.empty() || !page.next_page_token.empty()) {
      const std::string count =
          fmt::format("SELECT count(*) FROM (SELECT 1 FROM job WHERE {} LIMIT ?8) AS counted",
                      FilterSql(db.dialect(), query.filter));
      ASSIGN_OR_RETURN(page.total_size, db.QueryInt(count,
                                                    {query.tenant, with.kinds, with.states,
                                                     with.created_after, with.created_before,
                                                     with.concept_name, with.adapter, kMostCounted},
                                                    0));
    }
    RETURN_IF_ERROR(SetPositions(db, rows));
    for (JobRow& row : rows) page.jobs.push_back(std::move(row.job));
    return absl::OkStatus();
  }));
  return page;
}

absl::StatusOr<std::vector<v1::Event>> SqlJobStore::EventsAfter(std::string_view tenant,
                                                                std::string_view job,
                                                                uint64_t after_sequence,
                                                                int limit) {
  constexpr uint64_t kMaxSequence = INT64_MAX;
  const auto after = static_cast<int64_t>(std::min(after_sequence, kMaxSequence));
  std::vector<v1::Event> events;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(
        const int64_t number,
        db.QueryInt("SELECT number FROM job WHERE name = ? AND tenant = ?", {job, tenant}, 0));
    if (number == 0) return NoSuchJob(job);
    return db.Query(
        "SELECT event FROM event WHERE job = ? AND sequence > ? ORDER BY sequence LIMIT ?",
        {number, after, int64_t{limit}}, [&](const SqlRow& row) {
          return events.emplace_back().ParseFromString(row.Text(0))
                     ? absl::OkStatus()
                     : absl::DataLossError("database: a stored event cannot be read");
        });
  }));
  return events;
}

absl::StatusOr<std::vector<QueueCounts>> SqlJobStore::CountQueue() {
  // Each half counts in the index of its state. Of the rows only the oldest of a group is read.
  static const std::string kSql =
      fmt::format("{0} = 'queued'{1} UNION ALL {0} = 'running'{1}", kCountOfState, kOldestOfCount);
  const absl::Time now = time_.Wall();
  std::map<std::pair<std::string, std::string>, QueueCounts> counts;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) {
    return db.Query(kSql, {}, [&](const SqlRow& row) {
      QueueCounts& count = counts[{row.Text(0), row.Text(1)}];
      count.tenant = row.Text(0);
      count.kind = KindFromName(row.Text(1));
      if (row.Text(2) == "running") {
        count.running = row.Int(3);
      } else {
        count.queued = row.Int(3);
        count.oldest_wait = std::max(absl::ZeroDuration(), now - absl::FromUnixMicros(row.Int(4)));
      }
      return absl::OkStatus();
    });
  }));
  std::vector<QueueCounts> all;
  all.reserve(counts.size());
  for (auto& [key, count] : counts) all.push_back(std::move(count));
  return all;
}

}  // namespace vico::server
