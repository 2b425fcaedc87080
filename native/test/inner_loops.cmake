# cmake -Dobjdump=<objdump> -Dobjects=<object file> -Dtiles=<count> -Dmultiply=<name>
#       -Dunrolled=<count> -Dsingle=<count> -Dmoves=<count> -Dfunction=<name>
#       -Dleast=<count> -P inner_loops.cmake
#
# The inner loop of every AVX-512 tile, in `function`, keeps its sums in registers: it is `unrolled`
# multiplying instructions for each row and panel (8 vpdpbusd for the quads of a block, 1 vfmadd for
# a k, 4 vdpbf16ps for the pairs of 8 k) and `single` more if there is a single one of each (1 vpdpbusd to add up int4 weights), with
# no vector loaded from or stored to the stack and no more than one copy of a register for 16 of
# them (GCC 12 swaps a pair of sums here and there; a copy for each sum, as its intrinsic for
# vpdpbusd makes, halves the speed). `moves` more of each for 16 of them are for a loop that was
# measured to be as fast with them. A small tile whose sums are kept apart by quads has `least`.
cmake_policy(VERSION 3.22)
execute_process(
  COMMAND ${objdump} --disassemble --demangle --no-show-raw-insn ${objects}
  OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE ";" "," text "${text}")
string(REPLACE "[" "(" text "${text}") # brackets would join the elements of a list
string(REPLACE "]" ")" text "${text}")
string(REPLACE "\n" ";" lines "${text}")

# The shortest loop of the function with as many of the instruction in it as expected, judged.
function(check_loop name rows panels addresses instructions)
  math(EXPR expected "${unrolled} * ${rows} * ${panels}")
  if(rows EQUAL 1 AND panels EQUAL 1)
    math(EXPR expected "${expected} + ${single}")
  endif()
  if(expected LESS least)
    set(expected ${least})
  endif()
  set(best)
  list(LENGTH addresses count)
  set(index 0)
  foreach(instruction IN LISTS instructions)
    if(instruction MATCHES "^j[a-z]+ +([0-9a-f]+) ")
      list(FIND addresses ${CMAKE_MATCH_1} from)
      if(from GREATER_EQUAL 0 AND from LESS index)
        math(EXPR length "${index} - ${from}")
        list(SUBLIST instructions ${from} ${length} body)
        string(REGEX MATCHALL "${multiply}" dots "${body}")
        list(LENGTH dots dot_count)
        if(dot_count GREATER_EQUAL expected AND (NOT best OR length LESS best))
          set(best ${length})
          set(best_body "${body}")
          set(best_dots ${dot_count})
        endif()
      endif()
    endif()
    math(EXPR index "${index} + 1")
  endforeach()
  if(NOT best)
    message(FATAL_ERROR "${name}: no loop with ${expected} ${multiply}")
  endif()
  set(stack ${best_body})
  list(FILTER stack INCLUDE REGEX "%r[sb]p.*mm|mm.*%r[sb]p")
  set(copies ${best_body})
  list(FILTER copies INCLUDE REGEX "^vmov[a-z0-9]+ +%[xyz]mm[0-9]+,%[xyz]mm")
  list(LENGTH stack stack_count)
  list(LENGTH copies copy_count)
  math(EXPR most_stack "${moves} * ${expected} / 16")
  math(EXPR most_copies "(${moves} + 1) * ${expected} / 16")
  message("${name}: ${best_dots} ${multiply}, ${stack_count} on the stack, ${copy_count} copies")
  if(NOT best_dots EQUAL expected OR stack_count GREATER most_stack
     OR copy_count GREATER most_copies)
    list(JOIN best_body "\n" printed)
    message(FATAL_ERROR "${name}: expected ${expected}, at most ${most_stack} and at most "
                        "${most_copies}\n${printed}")
  endif()
endfunction()

set(name)
set(seen 0)
foreach(line IN LISTS lines)
  if(line MATCHES "^[0-9a-f]+ <.*Tile<.*(Avx512[A-Za-z0-9]*|AsBf16[a-z<]*)>*(, ([0-9]+), ([0-9]+))?>::${function}\\(")
    if(CMAKE_MATCH_2)
      set(rows ${CMAKE_MATCH_3})
      set(panels ${CMAKE_MATCH_4})
    else() # one that is always the same
      set(rows 1)
      set(panels 1)
    endif()
    set(name "tile ${rows}x${panels}")
    set(addresses)
    set(instructions)
  elseif(name AND line MATCHES "^ *([0-9a-f]+):[ \t]+(.*)$")
    list(APPEND addresses ${CMAKE_MATCH_1})
    list(APPEND instructions "${CMAKE_MATCH_2}")
  elseif(name AND line STREQUAL "")
    check_loop("${name}" ${rows} ${panels} "${addresses}" "${instructions}")
    math(EXPR seen "${seen} + 1")
    set(name)
  endif()
endforeach()
if(NOT seen EQUAL tiles)
  message(FATAL_ERROR "${objects}: looked at ${seen} tiles, expected ${tiles}")
endif()
