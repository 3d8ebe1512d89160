# Where the library and its manifest go: into the wheel, or into the source tree for
# developers, there with a dist-info folder so that discovery finds it as if installed.
foreach(_name USE_OPENMP USE_MKL USE_MKLDNN DEBUG)
  if(${_name})
    set(${_name}_JSON true)
  else()
    set(${_name}_JSON false)
  endif()
endforeach()
file(STRINGS ${FLAMBEAU_INCLUDE}/flambeau/backend.h _lines REGEX "define FL_ABI_")
string(REGEX MATCH "FL_ABI_VERSION ([0-9]+)" _ "${_lines}")
set(ABI_VERSION ${CMAKE_MATCH_1})
string(REGEX MATCH "FL_ABI_OLDEST ([0-9]+)" _ "${_lines}")
set(ABI_OLDEST ${CMAKE_MATCH_1})
list(JOIN FLAMBEAU_ISAS "\", \"" _isas)
set(ISAS_JSON "[\"${_isas}\"]")
set(MKL_VERSION "")
if(USE_MKL)
  file(STRINGS ${MKL_INCLUDE}/mkl_version.h _lines REGEX "__INTEL_MKL(_MINOR|_UPDATE)?__ ")
  string(REGEX MATCHALL "__ +[0-9]+" _numbers "${_lines}")
  string(REGEX REPLACE "__ +" "" MKL_VERSION "${_numbers}")
  list(JOIN MKL_VERSION "." MKL_VERSION)
endif()
set(DNNL_VERSION "")
if(USE_MKLDNN)
  file(STRINGS ${DNNL_INCLUDE}/oneapi/dnnl/dnnl_version.h _lines
       REGEX "DNNL_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX MATCHALL " [0-9]+" _numbers "${_lines}")
  string(REPLACE " " "" DNNL_VERSION "${_numbers}")
  list(JOIN DNNL_VERSION "." DNNL_VERSION)
endif()

set(_package ${CMAKE_CURRENT_SOURCE_DIR}/python)
if(FLAMBEAU_DEV)
  set_target_properties(flambeau_cpu_mkl PROPERTIES LIBRARY_OUTPUT_DIRECTORY
                                                    ${_package}/flambeau_cpu_mkl)
  configure_file(cmake/manifest.json.in ${_package}/flambeau_cpu_mkl/manifest.json @ONLY)
  set(_info ${_package}/flambeau_cpu_mkl-0.1.0.dist-info)
  file(WRITE ${_info}/METADATA "Metadata-Version: 2.1\nName: flambeau-cpu-mkl\n"
                               "Version: 0.1.0\n")
  file(WRITE ${_info}/entry_points.txt
       "[flambeau.backends]\ncpu_mkl = flambeau_cpu_mkl\n")
else()
  configure_file(cmake/manifest.json.in manifest.json @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/manifest.json
                ${_package}/flambeau_cpu_mkl/__init__.py DESTINATION flambeau_cpu_mkl)
  install(TARGETS flambeau_cpu_mkl DESTINATION flambeau_cpu_mkl)
  # The notices of the very libraries that are linked in, from where their wheels put them.
  if(USE_MKL)
    get_filename_component(_mkl_prefix ${MKL_INCLUDE} DIRECTORY)
    install(DIRECTORY ${_mkl_prefix}/share/doc/mkl/licensing/
            DESTINATION flambeau_cpu_mkl/licenses/mkl OPTIONAL
            FILES_MATCHING PATTERN "third-party-programs.txt"
                           PATTERN "third-party-programs-oneMath.txt")
  endif()
  if(USE_MKLDNN)
    get_filename_component(_dnnl_prefix ${DNNL_INCLUDE} DIRECTORY)
    install(DIRECTORY ${_dnnl_prefix}/share/doc/onednn/
            DESTINATION flambeau_cpu_mkl/licenses/onednn OPTIONAL
            FILES_MATCHING PATTERN "LICENSE" PATTERN "THIRD-PARTY-PROGRAMS")
    # The wheel of oneDNN has no static library, so its shared one travels with ours.
    file(REAL_PATH ${DNNL_LIBRARY} _dnnl)
    install(
      PROGRAMS ${_dnnl}
      DESTINATION flambeau_cpu_mkl
      RENAME libdnnl.so.3)
    if(CMAKE_STRIP)
      install(CODE "execute_process(COMMAND ${CMAKE_STRIP} --strip-unneeded \
\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/flambeau_cpu_mkl/libdnnl.so.3)")
    endif()
  endif()
endif()
