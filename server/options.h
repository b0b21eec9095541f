// The options of a server, one group for each of its parts.
#pragma once

#include <string>

#include <absl/time/time.h>

#include "common/tracing/span.h"
#include "server/net/listeners.h"
#include "server/pictures/decoder_process.h"
#include "server/services/services.h"
#include "server/storage/storage.h"

namespace vico::server {

struct ServerOptions {
  StorageOptions storage;
  ListenOptions net;
  ServiceOptions services;
  DecoderOptions decoder;
  std::string metrics_listen;                      ///< for Prometheus, over HTTP; empty: none
  absl::Duration lease_ttl = absl::Seconds(30);    ///< a worker that does not report loses its job
  absl::Duration drain_notice = absl::Seconds(5);  ///< from NOT_SERVING to the refusal of calls
  SpanSink* spans =
      nullptr;  ///< receives spans of calls and jobs; must outlive the server; or null
};

}  // namespace vico::server
