// What services act on. All of it must outlive every call.
#pragma once

#include "server/jobs/admission.h"
#include "server/blobs/blob_store.h"
#include "server/jobs/catalog.h"
#include "server/jobs/event_feed.h"
#include "server/pictures/picture_decoder.h"
#include "server/jobs/job_store.h"
#include "server/checks/tokenizer_cache.h"

namespace vico::server {

struct Stores {
  JobStore& jobs;
  BlobStore& blobs;
  Catalog& catalog;
  EventFeed& feed;
  TokenizerCache& tokenizers;
  PictureDecoder& decoder;  ///< of what clients upload
  Admission& admission;
};

}  // namespace vico::server
