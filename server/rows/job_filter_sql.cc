#include "server/rows/job_filter_sql.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "server/jobs/job_kinds.h"
#include "server/jobs/job_states.h"

namespace vico::server {
namespace {

template <typename Value>
bool Admits(const std::vector<Value>& wanted, Value value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

std::string KindsAsJson(const std::vector<v1::JobKind>& kinds) {
  nlohmann::json names = nlohmann::json::array();
  for (const v1::JobKind kind : kJobKinds) {
    if (Admits(kinds, kind)) names.push_back(std::string(KindName(kind)));
  }
  return names.dump();
}

std::string StatesAsJson(const std::vector<v1::JobState>& states) {
  nlohmann::json names = nlohmann::json::array();
  for (int state = v1::JOB_STATE_QUEUED; state <= v1::JobState_MAX; ++state) {
    const auto value = static_cast<v1::JobState>(state);
    if (Admits(states, value)) names.push_back(std::string(StateName(value)));
  }
  return names.dump();
}

int64_t Micros(absl::Time time) {
  if (time == absl::InfinitePast()) return std::numeric_limits<int64_t>::min();
  if (time == absl::InfiniteFuture()) return std::numeric_limits<int64_t>::max();
  return absl::ToUnixMicros(time);
}

}  // namespace

FilterParameters::FilterParameters(const JobFilter& filter)
    : kinds(KindsAsJson(filter.kinds)),
      states(StatesAsJson(filter.states)),
      created_after(Micros(filter.created_after)),
      created_before(Micros(filter.created_before)),
      concept_name(filter.concept_name),
      adapter(filter.adapter) {}

std::string FilterSql(const SqlDialect& dialect, const JobFilter& filter) {
  // A condition that does not apply has its parameter all the same, since an engine refuses those
  // that a statement does not have. With a constant the planner drops it, and an index suffices to
  // count what matches.
  const std::string of_kind = filter.kinds.empty()
                                  ? "CAST(?2 AS TEXT) <> ''"
                                  : fmt::format("kind IN ({})", dialect.json_list("?2"));
  std::string of_state = "CAST(?3 AS TEXT) <> ''";
  if (filter.states.size() == 1) {
    // As the conditions of the partial indexes have it. With all kinds that of queued jobs fits.
    of_state +=
        fmt::format(" AND state = '{}' AND {}", StateName(filter.states.front()), kOfAnyKind);
  } else if (!filter.states.empty()) {
    of_state = fmt::format("state IN ({})", dialect.json_list("?3"));
  }
  const std::string_view after = filter.created_after == absl::InfinitePast()
                                     ? "CAST(?4 AS BIGINT) IS NOT NULL"
                                     : "create_time >= ?4";
  const std::string_view before = filter.created_before == absl::InfiniteFuture()
                                      ? "CAST(?5 AS BIGINT) IS NOT NULL"
                                      : "create_time < ?5";
  const std::string_view of_concept = filter.concept_name.empty()
                                          ? "CAST(?6 AS TEXT) = ''"
                                          : "number IN (SELECT number FROM job WHERE concept = ?6 "
                                            "AND kind = 'training')";
  const std::string_view of_adapter = filter.adapter.empty()
                                          ? "CAST(?7 AS TEXT) = ''"
                                          : "number IN (SELECT number FROM job WHERE adapter = ?7 "
                                            "AND kind <> 'training' UNION ALL "
                                            "SELECT number FROM job WHERE result_adapter = ?7)";
  return fmt::format("tenant = ?1 AND {} AND {} AND {} AND {} AND {} AND {}", of_kind, of_state,
                     after, before, of_concept, of_adapter);
}

}  // namespace vico::server
