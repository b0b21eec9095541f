// A client references a blob while the garbage collector deletes it.
#pragma once

#include <string>

#include "tests/fault/history/checker.h"

namespace vico::fault {

/// A client creates a concept with a blob whose file has just been removed. It is a violation if
/// the concept is acknowledged. The only known `defect` is "blob_unlinked_early"; empty: none.
Violations ReferenceCollectedBlob(const std::string& defect);

}  // namespace vico::fault
