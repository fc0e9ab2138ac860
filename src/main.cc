#include "cli/cli.h"

int main(int argc, char** argv) { return rankdx::run_command_line(argc, argv); }
