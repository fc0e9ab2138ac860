# Data files that travel inside the binary.

# rankdx_embed_data(<room> <dir>...): every *.tsv of the folders becomes a byte range, found by name through
# catalogue/data.h (symbols rankdx_data_<name>_begin / _end).
function(rankdx_embed_data room)
  set(asm ${CMAKE_BINARY_DIR}/embedded_${room}.S)
  set(text "")
  foreach(dir ${ARGN})
    file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.tsv)
    foreach(file ${files})
      get_filename_component(name ${file} NAME_WE)
      string(REPLACE "-" "_" name ${name})
      string(APPEND text
             ".section .rodata\n.global rankdx_data_${name}_begin\n.global rankdx_data_${name}_end\n"
             "rankdx_data_${name}_begin:\n.incbin \"${file}\"\nrankdx_data_${name}_end:\n.byte 0\n")
      list(APPEND depends ${file})
    endforeach()
  endforeach()
  string(APPEND text ".section .note.GNU-stack,\"\",%progbits\n")
  file(WRITE ${asm}.new "${text}")
  file(COPY_FILE ${asm}.new ${asm} ONLY_IF_DIFFERENT)
  set_source_files_properties(${asm} PROPERTIES OBJECT_DEPENDS "${depends}")
  target_sources(rankdx_${room} PRIVATE ${asm})
endfunction()

# rankdx_embed_rules(<room>): rules/*.toml are checked and packed by rule_pack_tool at build time; a rule whose
# own samples disagree stops the build. The pack becomes the symbols rankdx_rule_pack_begin / _end.
function(rankdx_embed_rules room)
  file(GLOB rules CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/rules/*.toml)
  set(tool ${CMAKE_SOURCE_DIR}/src/${room}/rule_pack_tool.cc)
  if(NOT EXISTS ${tool})
    return()
  endif()
  add_executable(rule_pack_tool ${tool})
  target_link_libraries(rule_pack_tool PRIVATE rankdx_${room})
  set(pack ${CMAKE_BINARY_DIR}/rules.pack)
  add_custom_command(OUTPUT ${pack} COMMAND rule_pack_tool ${pack} ${rules} DEPENDS rule_pack_tool ${rules}
                     COMMENT "Checking and packing the rules")
  set(asm ${CMAKE_BINARY_DIR}/embedded_rules.S)
  file(WRITE ${asm}.new
       ".section .rodata\n.global rankdx_rule_pack_begin\n.global rankdx_rule_pack_end\n.balign 8\n"
       "rankdx_rule_pack_begin:\n.incbin \"${pack}\"\nrankdx_rule_pack_end:\n.byte 0\n"
       ".section .note.GNU-stack,\"\",%progbits\n")
  file(COPY_FILE ${asm}.new ${asm} ONLY_IF_DIFFERENT)
  set_source_files_properties(${asm} PROPERTIES OBJECT_DEPENDS ${pack})
  # A room of its own: the tool links the room without the pack, everything else links both.
  add_custom_target(rankdx_pack_file DEPENDS ${pack})
  add_library(rankdx_builtin_rules STATIC ${CMAKE_SOURCE_DIR}/src/${room}/builtin/builtin_rules.cc ${asm})
  add_dependencies(rankdx_builtin_rules rankdx_pack_file)
  target_link_libraries(rankdx_builtin_rules PUBLIC rankdx_${room})
endfunction()
