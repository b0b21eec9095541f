# Targets vico_opencv_imgproc (core and imgproc) and vico_opencv (imgcodecs as well). By hand, since
# OpenCVConfig.cmake comes only with Debian's full libopencv-dev.
find_path(vico_opencv_include opencv2/core.hpp PATH_SUFFIXES opencv4 REQUIRED)
foreach(module imgcodecs imgproc core)
  find_library(vico_opencv_${module}_library opencv_${module} REQUIRED)
endforeach()
add_library(vico_opencv_imgproc INTERFACE)
target_include_directories(vico_opencv_imgproc SYSTEM INTERFACE ${vico_opencv_include})
target_link_libraries(vico_opencv_imgproc
                      INTERFACE ${vico_opencv_imgproc_library} ${vico_opencv_core_library})
add_library(vico_opencv INTERFACE)
target_link_libraries(vico_opencv INTERFACE ${vico_opencv_imgcodecs_library} vico_opencv_imgproc)
