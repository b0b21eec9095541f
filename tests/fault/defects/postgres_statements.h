// Defects in the statements that a program sends to PostgreSQL. The linker puts them in place of
// libpq's functions (see CMakeLists.txt).
#pragma once

#include <string>

namespace vico::fault {

/// From now on, in this process:
///   no_row_lock               no statement locks the rows it reads; changes of jobs come 30 ms
///                             later, so that others get between
///   collect_in_one_statement  garbage collection does not lock a blob before it checks that
///                             nothing names it
/// Any other name plants nothing. Call it before the first connection is opened.
void PlantInStatements(const std::string& defect);

}  // namespace vico::fault
