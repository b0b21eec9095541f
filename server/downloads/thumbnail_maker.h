// Finds or makes thumbnails, on threads of its own: a picture is decoded once for each size and
// format.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "server/jobs/picture_store.h"
#include "server/pictures/thumbnail.h"
#include "server/resources/stores.h"
#include "server/rpc/pool.h"

namespace vico::server {

struct ThumbnailRequest {
  std::string tenant;
  PictureBlob source;
  int side = 0;  ///< pixels
  ThumbnailFormat format = ThumbnailFormat::kPng;
};

struct Thumbnail {
  PictureBlob picture;
  /// Of a thumbnail that was made now. Empty: they are stored under the digest in `picture`.
  std::string bytes{};
};

/// Any thread.
class ThumbnailMaker {
 public:
  using Done = std::function<void(const absl::StatusOr<Thumbnail>&)>;

  /// `stores` must outlive it.
  ThumbnailMaker(Stores& stores, int threads)
      : stores_(stores), pool_("vico-thumbnails", threads) {}
  ~ThumbnailMaker() { Stop(); }

  /// Calls `done` once, on a thread of its own; tenants take turns. Requests for the same thumbnail
  /// share the work. kDataLoss for a picture whose bytes are lost or do not decode; the errors of
  /// DecodeQueue; kResourceExhausted, at once, when too many wait. Not called after Stop().
  void Make(const ThumbnailRequest& request, Done done);

  /// Runs or drops what waits, and joins the threads. DecodeQueue::Stop() first.
  void Stop() { pool_.Stop(); }

 private:
  absl::StatusOr<Thumbnail> FindOrMake(const ThumbnailRequest& request);
  absl::StatusOr<Thumbnail> MakeNow(const ThumbnailRequest& request, const ThumbnailKey& key);

  Stores& stores_;
  Mutex mutex_;
  std::map<std::string, std::vector<Done>> waiting_ ABSL_GUARDED_BY(mutex_);  // by thumbnail
  Pool pool_;
};

}  // namespace vico::server
