# The Python extension `flambeau._C`, from everything below frontend/csrc.
set(Python_FIND_VIRTUALENV FIRST)
find_package(Python 3.11 COMPONENTS Interpreter Development.Module REQUIRED)
if(NOT pybind11_DIR)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir
    OUTPUT_VARIABLE pybind11_DIR OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(PYBIND11_FINDPYTHON ON)
find_package(pybind11 2.11 CONFIG REQUIRED)

file(GLOB_RECURSE extension_sources CONFIGURE_DEPENDS frontend/csrc/*.cpp)
if(NOT extension_sources)
  message(STATUS "frontend/csrc has no sources yet: no _C")
  return()
endif()
python_add_library(_C MODULE WITH_SOABI ${extension_sources})
target_include_directories(_C PRIVATE frontend/csrc)
target_link_libraries(_C PRIVATE flambeau_core pybind11::headers flambeau_options)
if(EXISTS ${PROJECT_SOURCE_DIR}/frontend/csrc/pch.h)
  target_precompile_headers(_C PRIVATE frontend/csrc/pch.h)
endif()
if(UNIX AND NOT APPLE)
  target_link_options(_C PRIVATE -Wl,--exclude-libs,ALL -Wl,--gc-sections)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT FLAMBEAU_DEV)
    target_link_options(_C PRIVATE -Wl,--strip-all)
  endif()
endif()
if(FLAMBEAU_DEV)
  set_target_properties(_C PROPERTIES LIBRARY_OUTPUT_DIRECTORY
                                      ${PROJECT_SOURCE_DIR}/frontend/flambeau)
endif()

# What was built, for flambeau.__config__.show(); data, so that reading it imports nothing.
set(_out ${CMAKE_CURRENT_BINARY_DIR})
if(FLAMBEAU_DEV)
  set(_out ${PROJECT_SOURCE_DIR}/frontend/flambeau)
endif()
flambeau_toggle(USE_CUDA OFF "Ask for the CUDA backend")
flambeau_toggle(USE_CPU ON "Ask for the CPU backend")
foreach(_name USE_CUDA USE_CPU DEBUG)
  if(${_name})
    set(${_name}_JSON true)
  else()
    set(${_name}_JSON false)
  endif()
endforeach()
configure_file(cmake/build_info.json.in ${_out}/_build_info.json @ONLY)

install(TARGETS _C DESTINATION flambeau)
install(FILES ${_out}/_build_info.json DESTINATION flambeau)
install(
  DIRECTORY core/include/flambeau
  DESTINATION flambeau/include
  FILES_MATCHING PATTERN "backend*.h")
