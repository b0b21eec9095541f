// Prints docs/job-states.md.
#include <cstdio>

#include "server/job_states.h"

int main() {
  std::fputs(vico::JobStatesPage().c_str(), stdout);
  return 0;
}
