# Sets vico_torch_cuda to the folder of a LibTorch for CUDA, or to "": the one that Torch_DIR or
# CMAKE_PREFIX_PATH names, else, for the preset cuda, the one that scripts/bootstrap has put into
# `vico_cache`.
set(vico_prefixes "")
if(Torch_DIR)
  list(APPEND vico_prefixes "${Torch_DIR}/../../..")
else()
  cmake_path(CONVERT "$ENV{CMAKE_PREFIX_PATH}" TO_CMAKE_PATH_LIST vico_prefixes)
  list(PREPEND vico_prefixes ${CMAKE_PREFIX_PATH})
  list(TRANSFORM vico_prefixes APPEND "/../.." OUTPUT_VARIABLE vico_above)  # torch.utils.cmake_prefix_path
  list(APPEND vico_prefixes ${vico_above})
  if(VICO_LIBTORCH STREQUAL "cuda")
    list(APPEND vico_prefixes ${vico_cache}/libtorch-2.13.0-cuda/torch)
  endif()
endif()
set(vico_torch_cuda "")
foreach(prefix IN LISTS vico_prefixes)
  if(NOT vico_torch_cuda AND EXISTS "${prefix}/lib/libtorch_cuda.so" AND EXISTS "${prefix}/include/ATen/ATen.h")
    cmake_path(ABSOLUTE_PATH prefix NORMALIZE OUTPUT_VARIABLE vico_torch_cuda)
  endif()
endforeach()
