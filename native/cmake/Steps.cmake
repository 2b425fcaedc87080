# cmake -Dfolder=<build folder> -Dsteps=<build;test> [-Doptions=<options to configure with>]
#       -P Steps.cmake
# For the Maven build: shows what a step printed only if it fails.
cmake_policy(VERSION 3.22)
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)

function(run)
  execute_process(
    COMMAND ${ARGV}
    RESULT_VARIABLE status
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGV " " line)
    message("${output}")
    message(FATAL_ERROR "'${line}' ended with ${status}")
  endif()
endfunction()

if(build IN_LIST steps)
  run(${CMAKE_COMMAND} -S ${root} -B ${folder} ${options})
  run(${CMAKE_COMMAND} --build ${folder} --parallel 2)
endif()
if(test IN_LIST steps)
  run(${CMAKE_CTEST_COMMAND} --test-dir ${folder} --parallel 2 --output-on-failure --no-tests=error)
endif()
