// Interface of the question which of several servers on one database does the work that one is to
// do: housekeeping, garbage collection, the erasure of tenants.
#pragma once

namespace vico::server {

/// Any thread.
class Leadership {
 public:
  virtual ~Leadership() = default;

  /// Whether this server does that work now. For a moment two may; the guards of the statements
  /// keep the work correct then.
  virtual bool IsLeader() const = 0;
};

/// For a database that one server uses.
class AlwaysLeader final : public Leadership {
 public:
  bool IsLeader() const override { return true; }
};

}  // namespace vico::server
