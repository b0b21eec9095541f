// Interface that carries the changes of this server to the other servers on the same database.
#pragma once

#include <string_view>

namespace vico::server {

/// Any thread.
class EventRelay {
 public:
  virtual ~EventRelay() = default;

  /// Sends `key` (of EventFeed) to the other servers soon, or never: it is a hint. Does not wait.
  /// The change is committed.
  virtual void Publish(std::string_view key) = 0;
};

}  // namespace vico::server
