// The interfaces that services act on. All of them must outlive every call.
#pragma once

#include "server/blobs/blob_store.h"
#include "server/checks/tokenizer_cache.h"
#include "server/jobs/catalog.h"
#include "server/jobs/event_feed.h"
#include "server/jobs/job_changes.h"
#include "server/jobs/job_store.h"
#include "server/jobs/picture_store.h"
#include "server/pictures/decode_queue.h"
#include "server/pictures/picture_decoder.h"
#include "server/tenants/admission.h"
#include "server/workers/lease_holders.h"
#include "server/workers/worker_registry.h"

namespace vico::server {

struct Stores {
  JobStore& jobs;
  BlobStore& blobs;
  Catalog& catalog;
  WorkerRegistry& workers;
  LeaseHolders& leases;
  EventFeed& feed;
  TokenizerCache& tokenizers;
  PictureDecoder& decoder;  ///< of uploaded pictures
  Admission& admission;
  DecodeQueue& decoding;  ///< places for pictures that are decoded now
  PictureStore& pictures;
  JobChanges& changes;
};

}  // namespace vico::server
