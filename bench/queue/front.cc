#include "bench/queue/front.h"

#include "common/status.h"

namespace vico::bench {

absl::StatusOr<std::unique_ptr<Front>> Front::Open(const std::string& url,
                                                   server::JobStoreOptions options) {
  options.queued_per_tenant = options.queued_total = 1 << 24;
  std::unique_ptr<Front> front(new Front);
  ASSIGN_OR_RETURN(front->database_, server::PostgresDatabase::Open({.url = url}));
  server::PostgresDatabase& database = *front->database_;
  front->time_ = std::make_unique<server::StoreClock>(
      front->clock_, [&database] { return *database.UptimeZero(); });
  ASSIGN_OR_RETURN(front->jobs_, server::SqlJobStore::Open(database, front->clock_, *front->time_,
                                                           front->feed_, std::move(options)));
  front->relay_ = std::make_unique<server::PostgresRelay>(database, front->feed_);
  front->session_ =
      std::make_unique<server::DirectSession>(database, *front->relay_, front->clock_, Log::Off());
  return front;
}

server::SubmitRequest GenerationOf(const std::string& tenant, const std::string& request_id) {
  server::SubmitRequest request;
  request.key = {tenant, request_id, "hash"};
  request.spec.mutable_generate()->set_base_model(kBaseModel);
  return request;
}

server::LeaseQuery LeaseOf(const std::string& worker, const std::string& nonce) {
  server::LeaseQuery query;
  query.worker = worker;
  query.nonce = nonce;
  query.base_models = {kBaseModel};
  return query;
}

v1::ReportRequest ReportOf(const server::Grant& grant, uint64_t number) {
  v1::ReportRequest report;
  report.set_job(grant.job.name());
  report.set_lease_id(grant.lease_id);
  report.set_report_number(number);
  report.add_events()->mutable_progress()->set_step(static_cast<int64_t>(number));
  return report;
}

v1::FinishRequest FinishOf(const server::Grant& grant) {
  v1::FinishRequest finish;
  finish.set_job(grant.job.name());
  finish.set_lease_id(grant.lease_id);
  finish.mutable_generated()->add_pictures();
  return finish;
}

}  // namespace vico::bench
