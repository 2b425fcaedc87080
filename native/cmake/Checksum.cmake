# cmake -Dfile=<file> -P Checksum.cmake: writes the SHA-256 of <file>, in hex, to <file>.sha256.
file(SHA256 ${file} sum)
file(WRITE ${file}.sha256 "${sum}\n")
