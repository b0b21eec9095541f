// Prints docs/job-states.md.
#include <cstdio>

#include "server/jobs/job_states.h"

int main() {
  std::fputs(vico::server::JobStatesPage().c_str(), stdout);
  return 0;
}
