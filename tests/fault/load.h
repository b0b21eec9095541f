// Load with kills and partitions: many jobs of several tenants, each watched to its end.
#pragma once

namespace vico {

struct LoadOptions {
  int jobs = 600;    ///< of all tenants, each as many
  int tenants = 20;  ///< one of them keeps fifteen times as many jobs open as each other
  int workers = 8;
  int watchers = 100;
  int worker_kills = 12;
  int server_kills = 4;
  int partitions = 4;    ///< of all workers from the server, shorter and longer than a lease
  double seconds = 170;  ///< the whole run may take
};

/// Prints what it measured. Whether every job ended, every promise was kept, every tenant had its
/// share and the server kept within its memory.
bool PlayLoad(const LoadOptions& options);

}  // namespace vico
