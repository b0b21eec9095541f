// Names one creating call, so that its repeat returns the first answer.
#pragma once

#include <string>

namespace vico::server {

struct RequestKey {
  std::string tenant;
  std::string request_id;
  std::string body_hash;  ///< of method and request as sent
};

}  // namespace vico::server
