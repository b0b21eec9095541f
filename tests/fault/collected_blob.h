// Garbage collection meets a client that names what it collects, at the worst moment.
#pragma once

#include <string>

#include "tests/fault/checker.h"

namespace vico {

/// A concept names a blob right after its file was removed. What is wrong afterwards: a concept
/// that was acknowledged and whose picture is not there. `defect` is planted meanwhile; empty:
/// none.
Violations NameWhatIsCollected(const std::string& defect);

}  // namespace vico
