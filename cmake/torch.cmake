# Target vico_torch: LibTorch, from Torch_DIR or CMAKE_PREFIX_PATH if given, else where scripts/bootstrap
# put the wheel's, else Debian's libtorch-dev.
set(VICO_LIBTORCH "auto" CACHE STRING
    "auto, wheel or debian: which LibTorch to use when none is given; cuda: one with CUDA or none")
# LibTorch's config file looks for its targets in the system's folders first, and would link Debian's
# where libtorch-dev is installed too: its own prefix has to be searched before those.
set(vico_prefix_path "${CMAKE_PREFIX_PATH}")
if(Torch_DIR)
  get_filename_component(vico_torch_prefix "${Torch_DIR}/../../.." ABSOLUTE)
  list(PREPEND CMAKE_PREFIX_PATH ${vico_torch_prefix})
endif()
if(NOT Torch_DIR AND NOT VICO_LIBTORCH STREQUAL "debian")
  if(DEFINED ENV{XDG_CACHE_HOME})
    set(vico_cache "$ENV{XDG_CACHE_HOME}/vico")
  else()
    set(vico_cache "$ENV{HOME}/.cache/vico")
  endif()
  # One search a configuration may succeed: the imported targets of two LibTorchs would mix.
  find_package(Torch CONFIG QUIET NO_SYSTEM_ENVIRONMENT_PATH NO_CMAKE_SYSTEM_PATH)  # named by the user
  if(NOT Torch_FOUND)
    unset(Torch_DIR CACHE)
    list(PREPEND CMAKE_PREFIX_PATH ${vico_cache}/libtorch-2.13.0)
    find_package(Torch CONFIG QUIET NO_DEFAULT_PATH PATHS ${vico_cache}/libtorch-2.13.0)
  endif()
  if(NOT Torch_FOUND AND VICO_LIBTORCH STREQUAL "wheel")
    message(FATAL_ERROR "no LibTorch from the wheel in ${vico_cache}; run scripts/bootstrap first")
  endif()
endif()
if(NOT Torch_FOUND)
  find_package(Torch CONFIG REQUIRED)
endif()
set(CMAKE_PREFIX_PATH "${vico_prefix_path}")
if(VICO_LIBTORCH STREQUAL "cuda" AND NOT TARGET torch_cuda)
  message(FATAL_ERROR "the LibTorch in ${TORCH_INSTALL_PREFIX} has no CUDA; set Torch_DIR to one that has")
endif()
get_target_property(vico_torch_library torch LOCATION)
cmake_path(IS_PREFIX TORCH_INSTALL_PREFIX "${vico_torch_library}" NORMALIZE vico_torch_whole)
if(NOT vico_torch_whole)
  message(FATAL_ERROR "the headers of LibTorch are in ${TORCH_INSTALL_PREFIX}, but its library found is ${vico_torch_library}")
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
foreach(target torch torch_library torch_cpu torch_cuda c10 c10_cuda)
  if(TARGET ${target})
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "")
  endif()
endforeach()
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
