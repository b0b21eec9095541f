// The defect reply_before_commit: a transaction is reported as committed while it is still open.
// The linker puts it in place of sqlite3_exec (see CMakeLists.txt).
#pragma once

namespace vico::fault {

/// From now on COMMIT of a write transaction does nothing in this process. The transaction is
/// committed when the same connection begins the next one.
void ReplyBeforeCommit();

}  // namespace vico::fault
