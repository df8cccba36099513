# Writes text files as C: cmake -DOUT=FILE -DTEXTS="a.txt;b.txt" -P embed-text.cmake
# Each becomes `const unsigned char oo__text_a[]`, with a NUL at its end.
set(all "/* Written by cmake/embed-text.cmake. */\n")
foreach(file IN LISTS TEXTS)
  cmake_path(GET file STEM stem)
  string(MAKE_C_IDENTIFIER ${stem} id)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
  string(APPEND all "\nextern const unsigned char oo__text_${id}[];\nconst unsigned char oo__text_${id}[] = {\n${bytes}0x00};\n")
endforeach()
file(WRITE ${OUT} "${all}")
