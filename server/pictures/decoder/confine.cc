#include "server/pictures/decoder/confine.h"

#include <csignal>
#include <initializer_list>

#include <malloc.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace vico::server {
namespace {

#ifdef VICO_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

bool Limit(__rlimit_resource_t resource, rlim_t soft, rlim_t hard) {
  const rlimit limit{soft, hard};
  return setrlimit(resource, &limit) == 0;
}

bool SetLimits(const ConfineLimits& limits) {
  const rlim_t cpu = limits.cpu_seconds;
  return Limit(RLIMIT_AS, limits.address_space_bytes, limits.address_space_bytes) &&
         Limit(RLIMIT_CPU, cpu, cpu + 1) && Limit(RLIMIT_CORE, 0, 0) && Limit(RLIMIT_FSIZE, 0, 0) &&
         Limit(RLIMIT_NOFILE, 0, 0) && Limit(RLIMIT_NPROC, 0, 0) && Limit(RLIMIT_MEMLOCK, 0, 0);
}

/// Allows `call` if all comparisons are true.
bool Allow(scmp_filter_ctx filter, int call, std::initializer_list<scmp_arg_cmp> only = {}) {
  return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, static_cast<unsigned>(only.size()),
                                only.begin()) == 0;
}

bool AddRules(scmp_filter_ctx filter) {
  // datum_a is the mask, datum_b the value of the masked bits.
  const scmp_arg_cmp no_execution = {
      .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0};
  const scmp_arg_cmp anonymous = {
      .arg = 3, .op = SCMP_CMP_MASKED_EQ, .datum_a = MAP_ANONYMOUS, .datum_b = MAP_ANONYMOUS};
  return Allow(filter, SCMP_SYS(read), {SCMP_A0_32(SCMP_CMP_EQ, STDIN_FILENO)}) &&
         Allow(filter, SCMP_SYS(write), {SCMP_A0_32(SCMP_CMP_EQ, STDOUT_FILENO)}) &&
         Allow(filter, SCMP_SYS(brk)) && Allow(filter, SCMP_SYS(mmap), {no_execution, anonymous}) &&
         Allow(filter, SCMP_SYS(mprotect), {no_execution}) && Allow(filter, SCMP_SYS(munmap)) &&
         Allow(filter, SCMP_SYS(mremap)) && Allow(filter, SCMP_SYS(madvise)) &&
         Allow(filter, SCMP_SYS(exit)) && Allow(filter, SCMP_SYS(exit_group));
}

/// Also sets no_new_privs, so that it needs no privileges.
bool FilterCalls() {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) return false;
  const bool filtered =
      seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
      AddRules(filter) && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return filtered;
}

}  // namespace

const char* Confine(const ConfineLimits& limits) {
  if (kSanitized) return "it is built with a sanitizer, which needs more than a confined process";
  // One arena, since malloc would create others with forbidden system calls when memory runs out.
  mallopt(M_ARENA_MAX, 1);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0) {
    return "the kernel refused prctl";
  }
  if (!SetLimits(limits)) return "the kernel refused a resource limit";
  if (!FilterCalls()) return "the kernel has no seccomp filters, or a container forbids them";
  return nullptr;
}

}  // namespace vico::server
