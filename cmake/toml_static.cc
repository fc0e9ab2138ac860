// Debian's libtomlplusplus comes as a shared library only: its one source file, as its headers allow.
#define TOML_IMPLEMENTATION
#include <toml++/toml.h>
