# Which instruction sets the kernels are compiled for, and with which flags.

include(CheckCXXCompilerFlag)
string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" _processor)
if(_processor MATCHES "x86_64|amd64")
  set(CPU_MKL_X86 ON)
  set(_all_isas sse avx2 avx512)
else()
  set(CPU_MKL_X86 OFF)
  set(_all_isas generic)
endif()

# A developer's build compiles one set: the best that this machine runs.
function(cpu_mkl_native_isa out)
  set(_info "")
  if(EXISTS /proc/cpuinfo)
    file(READ /proc/cpuinfo _info)
  endif()
  list(GET _all_isas 0 _isa)
  if(_info MATCHES "avx512vl" AND _info MATCHES "avx512dq" AND _info MATCHES "avx512bw")
    set(_isa avx512)
  elseif(_info MATCHES " avx2 " AND _info MATCHES " fma ")
    set(_isa avx2)
  endif()
  set(${out} ${_isa} PARENT_SCOPE)
endfunction()

if(FLAMBEAU_DEV)
  cpu_mkl_native_isa(_default_isas)
else()
  set(_default_isas ${_all_isas})
endif()
set(FLAMBEAU_ISAS "${_default_isas}" CACHE STRING
    "Instruction sets of the kernels, a list of: ${_all_isas}")

set(_flags_generic "")
set(_flags_sse -march=x86-64-v2)
set(_flags_avx2 -march=x86-64-v3)
set(_flags_avx512 -march=x86-64-v4 -mprefer-vector-width=512)

# The wheel may weigh 150 MB, and -O3 more than doubles kernels whose loops are vectorized
# by hand already: AVX2 keeps the inlining of -O3 and its vectorizer, SSE (processors from
# before 2013) neither.
set(_speed_sse -O2)
set(_speed_avx2 -O2 -fvect-cost-model=dynamic)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND _speed_avx2 "SHELL:--param max-inline-insns-auto=30"
       "SHELL:--param max-inline-insns-single=200" "SHELL:--param inline-min-speedup=15"
       "SHELL:--param early-inlining-insns=14")
endif()

# Adds `sources` to `target` once for each instruction set, with FL_ISA naming the namespace;
# tells the other sources which sets there are (FL_HAVE_SSE, FL_HAVE_AVX2, FL_HAVE_AVX512).
function(cpu_mkl_add_kernels target sources)
  foreach(isa IN LISTS _all_isas)
    if(NOT isa IN_LIST FLAMBEAU_ISAS)
      continue()
    endif()
    string(TOUPPER ${isa} _upper)
    check_cxx_compiler_flag("${_flags_${isa}}" COMPILER_KNOWS_${_upper})
    if(_flags_${isa} AND NOT COMPILER_KNOWS_${_upper})
      message(FATAL_ERROR "the compiler does not know ${_flags_${isa}}: use GCC 11 or "
                          "Clang 12 or later, or leave ${isa} out of FLAMBEAU_ISAS")
    endif()
    add_library(kernels_${isa} OBJECT ${sources})
    target_compile_options(kernels_${isa} PRIVATE ${_flags_${isa}})
    target_compile_options(kernels_${isa} PRIVATE "$<$<CONFIG:Release>:${_speed_${isa}}>")
    target_compile_definitions(kernels_${isa} PRIVATE FL_ISA=${isa})
    target_link_libraries(kernels_${isa} PRIVATE cpu_mkl_options)
    # target_sources keeps this order at the link; see Note [One definition, ...].
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:kernels_${isa}>)
    target_compile_definitions(${target} PRIVATE FL_HAVE_${_upper})
  endforeach()
endfunction()
