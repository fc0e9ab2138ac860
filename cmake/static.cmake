# A binary that can be copied into a bare container and starts without a search for libraries: everything but glibc is
# linked in. To be included twice: before the libraries are looked for (static archives first), and behind that (what
# Debian does not say of them).
if(NOT RANKDX_STATIC)
  set(RANKDX_FMT fmt::fmt)
  set(RANKDX_YAML yaml-cpp)
  set(RANKDX_TOML tomlplusplus::tomlplusplus)
  return()
endif()

if(NOT RANKDX_STATIC_FIRST)
  set(RANKDX_STATIC_FIRST ON)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a .so)
  set(OPENSSL_USE_STATIC_LIBS ON)
  add_link_options(-static-libstdc++ -static-libgcc)
  return()
endif()

# What the parts of libarchive that are used need in turn: bzip2, lz4, and nettle for packed zip members.
foreach(name nettle lz4 bz2)
  find_library(RANKDX_STATIC_${name} lib${name}.a REQUIRED)
  list(APPEND RANKDX_BEHIND_ARCHIVE ${RANKDX_STATIC_${name}})
endforeach()
set_property(TARGET PkgConfig::ARCHIVE APPEND PROPERTY INTERFACE_LINK_LIBRARIES ${RANKDX_BEHIND_ARCHIVE} PkgConfig::CODECS)

find_library(RANKDX_YAML libyaml-cpp.a REQUIRED)

add_library(rankdx_fmt STATIC ${CMAKE_SOURCE_DIR}/cmake/fmt_static.cc)
target_compile_definitions(rankdx_fmt PUBLIC FMT_SHARED)  # as fmt::fmt: the same objects go with both
set(RANKDX_FMT rankdx_fmt)

add_library(rankdx_toml STATIC ${CMAKE_SOURCE_DIR}/cmake/toml_static.cc)
target_compile_definitions(rankdx_toml PUBLIC TOML_HEADER_ONLY=0)
set(RANKDX_TOML rankdx_toml)

# What an executable must bring itself.
set(RANKDX_STATIC_SOURCES ${CMAKE_SOURCE_DIR}/cmake/glibc_2_35.cc ${CMAKE_SOURCE_DIR}/cmake/no_xar.cc)
