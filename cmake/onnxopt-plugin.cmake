# onnxopt_add_plugin(NAME SOURCE...): builds onnxopt-NAME.so, the file that `onnxopt --load NAME` looks for.
# The plugin links nothing of the program; it sees the public headers and exports one function.
function(onnxopt_add_plugin name)
  set(target onnxopt-plugin-${name})
  add_library(${target} MODULE ${ARGN})
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME onnxopt-${name}
    C_STANDARD 11 C_STANDARD_REQUIRED ON C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
  if(TARGET onnxopt::headers)
    target_link_libraries(${target} PRIVATE onnxopt::headers)
  endif()
endfunction()
