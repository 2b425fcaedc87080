# libsinter.so must load on any glibc machine: it exports sinter_ names only, needs no library but
# libc, and no symbol newer than glibc 2.14 (the memcpy of 2011).
execute_process(COMMAND ${nm} -D --defined-only ${library} OUTPUT_VARIABLE symbols
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL " [TtBbDdRrVvWwiu] [^\n]+" names "${symbols}")
if(NOT names)
  message(FATAL_ERROR "${library} exports nothing")
endif()
foreach(name IN LISTS names)
  if(NOT name MATCHES "^ T sinter_[a-z0-9_]+$")
    message(FATAL_ERROR "${library} exports '${name}'")
  endif()
endforeach()

execute_process(COMMAND ${readelf} -d ${library} OUTPUT_VARIABLE dynamic
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "NEEDED[^\n]+" needed "${dynamic}")
foreach(entry IN LISTS needed)
  if(NOT entry MATCHES "\\[libc\\.so\\.6\\]")
    message(FATAL_ERROR "${library} needs more than libc: ${entry}")
  endif()
endforeach()

execute_process(COMMAND ${nm} -D --undefined-only ${library} OUTPUT_VARIABLE undefined
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "GLIBC_[0-9.]+" versions "${undefined}")
foreach(version IN LISTS versions)
  string(REPLACE "GLIBC_" "" version ${version})
  if(version VERSION_GREATER 2.14)
    message(FATAL_ERROR "${library} needs glibc ${version}")
  endif()
endforeach()
