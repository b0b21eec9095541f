# Target vico_torch: LibTorch, from Torch_DIR or CMAKE_PREFIX_PATH if given, else where scripts/bootstrap
# put the wheel's, else Debian's libtorch-dev.
set(VICO_LIBTORCH "auto" CACHE STRING
    "auto, wheel or debian: which LibTorch to use when none is given; cuda: one with CUDA or none")
if(DEFINED ENV{XDG_CACHE_HOME})
  set(vico_cache "$ENV{XDG_CACHE_HOME}/vico")
else()
  set(vico_cache "$ENV{HOME}/.cache/vico")
endif()
include(find_torch_cuda)
if(vico_torch_cuda)
  include(torch_cuda)
elseif(VICO_LIBTORCH STREQUAL "cuda")
  message(FATAL_ERROR "no LibTorch for CUDA; run scripts/bootstrap --libtorch cuda, or set Torch_DIR to one")
else()
  include(torch_config)
endif()

# A LibTorch that exports protobuf of its own would replace the one gRPC was built against.
find_library(vico_torch_cpu torch_cpu HINTS ${TORCH_INSTALL_PREFIX}/lib NO_CACHE)
find_program(vico_nm nm)
if(vico_nm AND vico_torch_cpu AND NOT TORCH_INSTALL_PREFIX STREQUAL "/usr")
  execute_process(COMMAND sh -c "'${vico_nm}' -DC --defined-only '${vico_torch_cpu}' | grep -cE ' [TBDR] google::protobuf::'"
                  OUTPUT_VARIABLE vico_exported OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT vico_exported STREQUAL "0")
    message(FATAL_ERROR "${vico_torch_cpu} exports ${vico_exported} symbols of its own protobuf and cannot "
                        "live in one process with gRPC; use Debian's libtorch-dev or another LibTorch")
  endif()
endif()

add_library(vico_torch INTERFACE)
# A wheel's include folder also holds headers of protobuf 3.13 and of a newer fmt, which would shadow
# those gRPC and spdlog were built with: only LibTorch's own are searched, and before the system's.
if(TORCH_INSTALL_PREFIX STREQUAL "/usr")
  set(vico_torch_headers /usr/include)
else()
  list(GET TORCH_INCLUDE_DIRS 0 vico_torch_include)
  set(vico_torch_headers ${PROJECT_BINARY_DIR}/libtorch)
  file(MAKE_DIRECTORY ${vico_torch_headers})
  foreach(part torch ATen c10 caffe2)
    file(CREATE_LINK ${vico_torch_include}/${part} ${vico_torch_headers}/${part} SYMBOLIC)
  endforeach()
  target_include_directories(vico_torch SYSTEM INTERFACE ${vico_torch_headers})
endif()
target_include_directories(vico_torch SYSTEM
                           INTERFACE ${vico_torch_headers}/torch/csrc/api/include)
target_link_libraries(vico_torch INTERFACE ${TORCH_LIBRARIES})
message(STATUS "LibTorch: ${TORCH_INSTALL_PREFIX}")
