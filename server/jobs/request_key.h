// Identifies a creating call, so that a repeat returns the first answer.
#pragma once

#include <string>

namespace vico::server {

struct RequestKey {
  std::string tenant;
  std::string request_id;
  std::string body_hash;  ///< of method and request as sent
};

}  // namespace vico::server
