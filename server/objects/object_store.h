// Interface of an object store: bytes by key, without rows in the database. A key is written once;
// see object_key.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/formats/mapped_file.h"

namespace vico::server {

/// Bytes on their way into the store, in a file on this machine. Destroyed without Put, it leaves
/// nothing behind. One thread at a time.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;

  /// kResourceExhausted, reason DISK_FULL, when the disk is full.
  virtual absl::Status Append(std::string_view bytes) = 0;

  /// A mapping of the bytes so far. Not for no bytes.
  virtual absl::StatusOr<MappedBytes> Map() = 0;

  /// Makes the bytes durable under `key`; at most once. `sha256` is their digest, which the store
  /// may check. kAborted, reason TENANT_DELETED, after RemoveTenant.
  virtual absl::Status Put(const std::string& key, std::string_view sha256) = 0;
};

/// One object. One thread at a time.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;

  /// The bytes from `offset`, at most `length`; fewer only at the end, none beyond it. kDataLoss
  /// when the object is gone or has another size; what says nothing about the bytes is
  /// kUnavailable or kResourceExhausted.
  virtual absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) = 0;
};

struct ObjectInfo {
  std::string key;
  uint64_t size_bytes = 0;
  absl::Time time{};  ///< when it was stored, by the store's clock
};

/// Any thread.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// Whether the objects are behind a network: storing and listing them costs time or money, and
  /// other servers use them too.
  virtual bool remote() const = 0;

  /// kAborted, reason TENANT_DELETED, after RemoveTenant.
  virtual absl::StatusOr<std::unique_ptr<ObjectWriter>> Create(std::string_view tenant) = 0;

  /// `size_bytes` is what the object must have. kNotFound when a store that is not remote has no
  /// such object; a remote one is asked at the first Read.
  virtual absl::StatusOr<std::unique_ptr<ObjectReader>> Open(const std::string& key,
                                                             uint64_t size_bytes) = 0;

  /// kNotFound when the store can tell without a request that the object is missing.
  virtual absl::Status Look(const std::string& key) = 0;

  /// OK also when there is no such object.
  virtual absl::Status Remove(const std::string& key) = 0;

  /// Removes the tenant's objects and what is in quarantine, durably, and where the store is not
  /// remote its unfinished uploads; nothing is stored for it afterwards.
  virtual absl::Status RemoveTenant(std::string_view tenant) = 0;

  /// Calls `on_object` for every object whose key is one, in any order; its error ends the list.
  virtual absl::Status List(const std::function<absl::Status(const ObjectInfo&)>& on_object) = 0;

  /// Keeps a damaged object for inspection, out of the way if that is cheap. OK when it does not
  /// exist.
  virtual absl::Status Quarantine(const std::string& key) = 0;

  /// Stores, reads and removes a small object that nothing else uses.
  virtual absl::Status Probe() = 0;

  /// Compares the store's mark with the id of an installation, which a remote store has so that no
  /// database removes the objects of another. With `first`, writes the mark if there is none.
  /// kFailedPrecondition, reason OBJECTS_OF_ANOTHER_DATABASE, when they differ.
  virtual absl::Status Claim(const std::string& installation, bool first) = 0;
};

/// Whether an error of a reader says that the bytes are lost or wrong. The others, as an outage of
/// the store, say nothing about them.
bool IsAboutBytes(const absl::Status& status);

}  // namespace vico::server
