# Targets vico_precompiled_*: headers that are read once for all targets that name them with
# vico_precompiled(), since those of LibTorch and gRPC are slow to compile.
# Both sides must have the same compiler flags. Tests are optimised less, so they have their own.
file(WRITE ${PROJECT_BINARY_DIR}/precompiled/empty.cc "")
function(vico_precompiled_headers name)
  cmake_parse_arguments(H "" "" "LIBS;HEADERS" ${ARGN})
  add_library(vico_precompiled_${name} OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/precompiled/empty.cc)
  target_link_libraries(vico_precompiled_${name} PRIVATE vico_options ${H_LIBS})
  target_precompile_headers(vico_precompiled_${name} PRIVATE ${H_HEADERS})
endfunction()

set(standard <algorithm> <chrono> <functional> <map> <memory> <mutex> <optional> <string> <string_view>
    <thread> <utility> <vector> <absl/status/status.h> <absl/status/statusor.h> <absl/time/time.h>
    <fmt/format.h>)
set(messages <vico/v1/adapter.pb.h> <vico/v1/concept.pb.h> <vico/v1/job.pb.h> <vico/v1/model.pb.h>
    <vico/v1/worker.pb.h> <vico/v1/admin.pb.h>)
set(tests <gmock/gmock.h> <gtest/gtest.h>)

vico_precompiled_headers(proto LIBS vico_proto fmt::fmt HEADERS ${standard} ${messages})
vico_precompiled_headers(grpc LIBS vico_proto fmt::fmt gRPC::grpc++
                         HEADERS ${standard} ${messages} <grpcpp/grpcpp.h>)
if(NOT VICO_FUZZ)
  vico_precompiled_headers(torch LIBS vico_torch HEADERS "${PROJECT_SOURCE_DIR}/worker/model/torch.h")
endif()
if(VICO_TESTS AND NOT VICO_FUZZ)
  vico_precompiled_headers(test_plain LIBS vico_test_options vico_proto fmt::fmt GTest::gmock
                           HEADERS ${tests} ${standard} ${messages})
  vico_precompiled_headers(test_grpc LIBS vico_test_options vico_proto fmt::fmt gRPC::grpc++ GTest::gmock
                           HEADERS ${tests} ${standard} ${messages} <grpcpp/grpcpp.h>)
  vico_precompiled_headers(test_torch LIBS vico_test_options vico_torch GTest::gmock
                           HEADERS ${tests} "${PROJECT_SOURCE_DIR}/worker/model/torch.h")
endif()
