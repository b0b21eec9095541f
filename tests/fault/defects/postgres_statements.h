// Defects in the statements that a program sends to PostgreSQL. The linker puts them in place of
// libpq's functions (see CMakeLists.txt).
#pragma once

#include <functional>
#include <string>

namespace vico::fault {

/// From now on, in this process:
///   no_row_lock               no statement locks the rows it reads
///   collect_in_one_statement  garbage collection does not lock a blob before it checks that
///                             nothing names it
/// Any other name plants nothing. Call it before the first connection is opened.
void PlantInStatements(const std::string& defect);

/// Runs `act` once, before this thread sends the next statement that changes a job.
void BeforeChangeOfJob(std::function<void()> act);

}  // namespace vico::fault
