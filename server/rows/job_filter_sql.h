// A JobFilter as the condition of a statement.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/jobs/job_filter.h"
#include "server/sql/sql_session.h"

namespace vico::server {

/// The parameters of FilterSql(), which must live as long as their statement runs.
struct FilterParameters {
  explicit FilterParameters(const JobFilter& filter);

  std::string kinds;           ///< JSON array of names
  std::string states;          ///< JSON array of names
  int64_t created_after = 0;   ///< microseconds
  int64_t created_before = 0;  ///< microseconds
  std::string concept_name;
  std::string adapter;
};

/// The condition on table `job`. Its parameters, each of which it contains: ?1 the tenant, ?2
/// kinds, ?3 states, ?4 created_after, ?5 created_before, ?6 concept_name, ?7 adapter.
std::string FilterSql(const SqlDialect& dialect, const JobFilter& filter);

}  // namespace vico::server
