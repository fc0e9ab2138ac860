// libarchive's writers name each other in one table, so that a static link takes in that of xar too,
// and with it libxml2 and ICU (Debian 12, libarchive 3.6). Bundles are tar: nobody asks for xar.
#include <archive.h>

extern "C" int archive_write_set_format_xar(archive*) { return ARCHIVE_FATAL; }
