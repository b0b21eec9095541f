# Target vico_opencv: core, imgproc and imgcodecs. By hand, since OpenCVConfig.cmake comes only with
# Debian's full libopencv-dev, eight times the size.
find_path(vico_opencv_include opencv2/core.hpp PATH_SUFFIXES opencv4 REQUIRED)
add_library(vico_opencv INTERFACE)
target_include_directories(vico_opencv SYSTEM INTERFACE ${vico_opencv_include})
foreach(module imgcodecs imgproc core)
  find_library(vico_opencv_${module} opencv_${module} REQUIRED)
  target_link_libraries(vico_opencv INTERFACE ${vico_opencv_${module}})
endforeach()
