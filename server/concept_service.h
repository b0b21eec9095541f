// Concepts, for clients: upload, look, delete.
#pragma once

#include "server/rpc/calls.h"
#include "server/stores.h"
#include "vico/v1/concept.grpc.pb.h"

namespace vico {

class ConceptService final : public v1::ConceptService::CallbackService {
 public:
  /// Uploads are decoded on `intake`, whose number of threads bounds the memory that takes.
  ConceptService(Calls& calls, Stores& stores, Pool& intake)
      : calls_(calls), stores_(stores), intake_(intake) {}

  grpc::ServerReadReactor<v1::UploadConceptRequest>* UploadConcept(
      grpc::CallbackServerContext* context, v1::UploadConceptResponse* response) override;
  grpc::ServerUnaryReactor* GetConcept(grpc::CallbackServerContext* context,
                                       const v1::GetConceptRequest* request,
                                       v1::Concept* found) override;
  grpc::ServerUnaryReactor* ListConcepts(grpc::CallbackServerContext* context,
                                         const v1::ListConceptsRequest* request,
                                         v1::ListConceptsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteConcept(grpc::CallbackServerContext* context,
                                          const v1::DeleteConceptRequest* request,
                                          google::protobuf::Empty* response) override;

 private:
  Calls& calls_;
  Stores& stores_;
  Pool& intake_;
};

}  // namespace vico
