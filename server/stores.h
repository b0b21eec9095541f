// What services act on. All of it must outlive every call.
#pragma once

#include "server/admission.h"
#include "server/blob_store.h"
#include "server/catalog.h"
#include "server/event_feed.h"
#include "server/intake/picture_decoder.h"
#include "server/job_store.h"
#include "server/tokenizers.h"

namespace vico {

struct Stores {
  JobStore& jobs;
  BlobStore& blobs;
  Catalog& catalog;
  EventFeed& feed;
  Tokenizers& tokenizers;
  PictureDecoder& decoder;  ///< of what clients upload
  Admission& admission;
};

}  // namespace vico
