# Finds MKL, oneDNN and OpenMP where wheels and system packages put them, and links them.

# Prefixes under which wheels installed their libraries: of every site-packages that the
# building Python sees, an isolated build's included.
function(cpu_mkl_wheel_prefixes out)
  find_package(Python 3.11 COMPONENTS Interpreter QUIET)
  set(_prefixes "")
  if(Python_EXECUTABLE)
    execute_process(
      COMMAND
        ${Python_EXECUTABLE} -c
        "import sys,os;print(';'.join(os.path.abspath(os.path.join(p,'../../..')) for p in sys.path if p.endswith('site-packages')))"
      OUTPUT_VARIABLE _prefixes OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
  set(${out} ${_prefixes} PARENT_SCOPE)
endfunction()

function(cpu_mkl_find_openmp target)
  if(NOT USE_OPENMP)
    return()
  endif()
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  # libgomp, shared: the one runtime that PyTorch and NumPy have in the process.
  target_link_libraries(${target} PRIVATE OpenMP::OpenMP_CXX)
  target_compile_definitions(${target} PRIVATE USE_OPENMP=1)
endfunction()

# Looks for the libraries and drops from `sources` the files of those not built.
macro(cpu_mkl_select_libraries sources)
  cpu_mkl_wheel_prefixes(_wheel_prefixes)
  if(USE_MKL)
    find_path(MKL_INCLUDE mkl.h HINTS ${_wheel_prefixes} ENV MKLROOT
              PATH_SUFFIXES include)
    find_library(MKL_CORE libmkl_core.a HINTS ${_wheel_prefixes} ENV MKLROOT
                 PATH_SUFFIXES lib lib/intel64)
    if(NOT MKL_INCLUDE OR NOT MKL_CORE)
      message(FATAL_ERROR "USE_MKL=1, yet mkl.h or libmkl_core.a was not found: pip "
                          "install mkl-static mkl-include, or set USE_MKL=0")
    endif()
  endif()
  if(USE_MKLDNN)
    find_path(DNNL_INCLUDE oneapi/dnnl/dnnl.h HINTS ${_wheel_prefixes}
              PATH_SUFFIXES include)
    find_library(DNNL_LIBRARY dnnl HINTS ${_wheel_prefixes} PATH_SUFFIXES lib)
    if(NOT DNNL_INCLUDE OR NOT DNNL_LIBRARY)
      message(FATAL_ERROR "USE_MKLDNN=1, yet oneDNN was not found: pip install "
                          "onednn-cpu-gomp onednn-devel-cpu-gomp, or set USE_MKLDNN=0")
    endif()
  endif()
  if(NOT USE_MKL)
    list(FILTER ${sources} EXCLUDE REGEX "/libs/mkl[^/]*\\.cpp$")
  endif()
  if(NOT USE_MKLDNN)
    list(FILTER ${sources} EXCLUDE REGEX "/libs/onednn[^/]*\\.cpp$")
  endif()
endmacro()

function(cpu_mkl_link_libraries target)
  if(USE_MKL)
    get_filename_component(_dir ${MKL_CORE} DIRECTORY)
    set(_threads ${_dir}/libmkl_sequential.a)
    if(USE_OPENMP)
      set(_threads ${_dir}/libmkl_gnu_thread.a)
    endif()
    target_compile_definitions(${target} PRIVATE USE_MKL=1)
    target_include_directories(${target} SYSTEM PRIVATE ${MKL_INCLUDE})
    target_link_libraries(
      ${target} PRIVATE -Wl,--start-group ${_dir}/libmkl_intel_lp64.a ${_threads}
                        ${MKL_CORE} -Wl,--end-group m)
  endif()
  if(USE_MKLDNN)
    target_compile_definitions(${target} PRIVATE USE_MKLDNN=1)
    target_include_directories(${target} SYSTEM PRIVATE ${DNNL_INCLUDE})
    target_link_libraries(${target} PRIVATE ${DNNL_LIBRARY})
  endif()
endfunction()
