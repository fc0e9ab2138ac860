// The command line: a table of subcommands, one file each.
#pragma once

namespace rankdx {

enum ExitCode : int { kHealthy = 0, kProblemFound = 1, kUsage = 2, kUndetermined = 3 };

/// Runs the program; never throws. Returns the exit code.
int run_command_line(int argc, char** argv);

}  // namespace rankdx
