# Describes the LibTorch for CUDA in `vico_torch_cuda`: TORCH_INSTALL_PREFIX, TORCH_INCLUDE_DIRS and
# TORCH_LIBRARIES.
#
# It is linked as it is, without its config file. That looks for nvcc, CUDA's headers and its math
# libraries, which only those need who compile CUDA code of their own.
set(TORCH_INSTALL_PREFIX "${vico_torch_cuda}")
set(TORCH_INCLUDE_DIRS "${vico_torch_cuda}/include")
set(TORCH_LIBRARIES "")
foreach(library torch torch_cuda c10_cuda torch_cpu c10)
  add_library(vico_lib${library} SHARED IMPORTED)
  set_target_properties(vico_lib${library} PROPERTIES
                        IMPORTED_LOCATION "${vico_torch_cuda}/lib/lib${library}.so")
  list(APPEND TORCH_LIBRARIES vico_lib${library})
endforeach()
# The program names no symbol of torch_cuda, which registers itself. CUDA's libraries may be elsewhere.
list(APPEND TORCH_LIBRARIES
     "-Wl,--push-state,--no-as-needed,${vico_torch_cuda}/lib/libtorch_cuda.so,--pop-state"
     -Wl,--allow-shlib-undefined)
