// ConceptService: uploads, reads and deletes concepts.
#pragma once

#include "server/resources/stores.h"
#include "server/rpc/calls.h"
#include "server/rpc/client_stream.h"
#include "vico/v1/concept.grpc.pb.h"

namespace vico::server {

class ConceptService final : public v1::ConceptService::WithRawCallbackMethod_UploadConcept<
                                 v1::ConceptService::CallbackService> {
 public:
  /// Pictures are decoded on the pool of `uploads`, whose threads wait for a place in
  /// Stores::decoding. The references must outlive the service.
  ConceptService(Calls& calls, Stores& stores, Calls& uploads, const ClientStreamOptions& options)
      : calls_(calls), stores_(stores), uploads_(uploads), options_(options) {}

  grpc::ServerReadReactor<grpc::ByteBuffer>* UploadConcept(grpc::CallbackServerContext* context,
                                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetConcept(grpc::CallbackServerContext* context,
                                       const v1::GetConceptRequest* request,
                                       v1::Concept* found) override;
  grpc::ServerUnaryReactor* ListConcepts(grpc::CallbackServerContext* context,
                                         const v1::ListConceptsRequest* request,
                                         v1::ListConceptsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateConcept(grpc::CallbackServerContext* context,
                                          const v1::UpdateConceptRequest* request,
                                          v1::Concept* updated) override;
  grpc::ServerUnaryReactor* DeleteConcept(grpc::CallbackServerContext* context,
                                          const v1::DeleteConceptRequest* request,
                                          google::protobuf::Empty* response) override;

 private:
  Calls& calls_;
  Stores& stores_;
  Calls& uploads_;
  const ClientStreamOptions options_;
};

}  // namespace vico::server
